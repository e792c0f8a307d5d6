@id:RB-ALERT-004 @version:1.0.0 @owner:data-platform @severity:P2
@alert:RedisConnectivity @rto:15m @domain:cluster/namespace
Feature: Redis connectivity
  Meaning: Redis did not do the last command of a service: it is not there, it refuses the service's password, or it takes no more writes.
  Impact: the service works without its cache. It answers more slowly, and its database gets every question.
  Normal: Redis does every command; a healthy service sends one each second.
  Not this page: a service that does not start, which has a page of its own; answers that are slow while Redis does its commands.
  Escalation: after 10 minutes call the team that owns the service; when the cluster or the monitoring gives no answer, call the owner of this page at once.

  Background:
    Given a PostgreSQL server "registry-db"
    And a Redis server "registry-cache"
    And the registry service "registry" on "registry-db" and "registry-cache"

  @cause:redis-down
  Rule: A release has taken Redis away
    The release names an image that is not there, and the old pod had to end before the new one began. The service finds nothing behind Redis' address.

    Background:
      Given the release of "registry-cache" names an image that is not there

    @detection
    Scenario: The alert names the pod that cannot reach Redis
      Then the alert "RedisConnectivity" fires within 90s

    @diagnosis
    Scenario: The pod of Redis waits for its image
      Then the server of "registry-cache" cannot pull its image

    @remediation
    Scenario: The revision before brings Redis back
      When the server of "registry-cache" is rolled back to its revision before
      Then "registry" uses its cache within 2m
      And the alert "RedisConnectivity" is silent within 2m

    @prevention
    Scenario: The old pod serves until the new one does
      When a release of the server of "registry-cache" waits for its new pod before the old one ends
      And the fault is injected again
      Then "registry" uses its cache within 2m

  @cause:password-rotated
  Rule: Redis takes another password than the service has
    Redis was released with a new password, and the service's Secret still holds the old one. The revision before takes the old one again. Was it changed because somebody else knows it? Then do not roll back: its owner puts the new one into the service's Secret and restarts the service.

    Background:
      Given "registry-cache" takes another password than its applications have

    @detection
    Scenario: The alert names the pod whose password is refused
      Then the alert "RedisConnectivity" fires within 90s

    @diagnosis
    Scenario: The log says that Redis refuses the password
      Then the log of the server of "registry" contains "invalid username-password pair"

    @remediation
    Scenario: The revision before takes the service's password
      When the server of "registry-cache" is rolled back to its revision before
      Then "registry" uses its cache within 2m
      And the alert "RedisConnectivity" is silent within 2m

    @prevention
    Scenario: A release that refuses the service's password never gets ready
      When a release of the server of "registry-cache" waits for its new pod before the old one ends
      And the server of "registry-cache" is ready only when it takes the password of its applications
      Then the new revision of the server of "registry-cache" is rolled out within 1m
      When the fault is injected again
      Then "registry" uses its cache within 2m

  @cause:redis-full
  Rule: Redis is full and refuses writes
    Keys that never expire fill all the memory that Redis may use, and its policy drops none. It still answers reads, so a check that only pings it says that all is well.

    Background:
      Given "registry-cache" is full of keys that never expire

    @detection
    Scenario: The alert names the pod whose writes are refused
      Then the alert "RedisConnectivity" fires within 90s

    @diagnosis
    Scenario: Redis has no memory for a write, and drops no key for it
      Then the log of the server of "registry" contains "command not allowed when used memory"
      And the eviction policy of "registry-cache" is "noeviction"

    @remediation
    Scenario: A cache that drops what is used least takes writes again
      When the server of "registry-cache" drops the keys that were used least when it is full
      Then "registry" uses its cache within 2m
      And the alert "RedisConnectivity" is silent within 2m

    @prevention
    Scenario: Nothing more to do, as a full cache now makes room
      When the fault is injected again
      Then "registry" uses its cache within 2m
