@id:RB-ALERT-003 @version:1.0.0 @owner:data-platform @severity:P1
@alert:DatabasePoolExhausted @rto:15m @domain:cluster/namespace
Feature: Database pool exhausted
  Meaning: every connection to the database that a service may have is in use, and requests wait for one.
  Impact: requests take longer and longer, or end as errors; the pod may be taken out of service.
  Normal: some connections are free, and no request waits.
  Not this page: the database refuses connections or is not there; then no connection is in use.
  Escalation: after 10 minutes call the team that owns the service; when the database gives no answer, call the owner of this page at once.

  Background:
    Given a PostgreSQL server "registry-db"
    And a Redis server "registry-cache"
    And the registry service "registry" on "registry-db" and "registry-cache"

  @cause:connections-leaked
  Rule: The service gives no connection back
    A release takes connections from the pool and keeps them. For the database they are sessions that do nothing, mostly inside of a transaction.

    Background:
      Given the release of "registry" keeps every connection that it takes

    @detection
    Scenario: The alert names the pod whose pool is used up
      Then the alert "DatabasePoolExhausted" fires within 90s

    @diagnosis
    Scenario: The sessions of the service do nothing
      Then 2 sessions or more of "registry-db" idle in a transaction for 2s

    @remediation
    Scenario: The release before gives its connections back
      When the server of "registry" is rolled back to its revision before
      Then the server of "registry" is ready within 2m
      And "registry" answers requests within 2m
      And the alert "DatabasePoolExhausted" is silent within 2m

    @prevention
    Scenario: A release that soon leaks never takes over
      When a release of the server of "registry" ends no pod before the new one was ready for "30" seconds
      And the fault is injected again
      Then "registry" answers requests within 2m

  @cause:pool-too-small
  Rule: The pool is too small for the load
    Each connection is given back soon, and taken again at once. More clients or slower queries need more of them than the configuration allows. Was its size not changed? Then double it, as long as all pods together stay below what the server accepts.

    Background:
      Given the pool of "registry" has one connection

    @detection
    Scenario: The alert names the pod whose requests wait
      Then the alert "DatabasePoolExhausted" fires within 90s

    @diagnosis
    Scenario: The sessions of the service are busy, each with something new
      Then 90 % or more of the sessions of "registry-db" work on something younger than 2s

    @remediation
    Scenario: A pool of the size before carries the load
      When the configuration "POOL_SIZE" of "registry" is set to "8"
      And the server of "registry" is restarted
      Then the server of "registry" is ready within 2m
      And no request waits for a connection of "registry" within 2m
      And the alert "DatabasePoolExhausted" is silent within 2m

    @prevention
    Scenario: A size that carries the load can no longer be edited in place
      When the configuration of the service "registry" is made immutable
      And the fault is injected again
      Then "registry" answers requests within 2m

  @cause:long-transaction
  Rule: A long transaction holds a lock that everybody needs
    A session changed a table and neither committed nor rolled back. Each query of that table waits for it, and keeps its connection meanwhile.

    Background:
      Given a migration keeps its lock on the table "models" of "registry-db"

    @detection
    Scenario: The alert names the pod whose queries pile up
      Then the alert "DatabasePoolExhausted" fires within 90s

    @diagnosis
    Scenario: The sessions of the service wait for a lock
      Then sessions of "registry-db" wait for a lock

    @remediation
    Scenario: Without the session in front the queries go on
      When the session of "registry-db" that blocks the others is ended
      Then no session of "registry-db" waits for a lock within 1m
      And "registry" answers requests within 2m
      And the alert "DatabasePoolExhausted" is silent within 2m

    @prevention
    Scenario: A transaction that is left open ends by itself
      When "registry-db" ends a session of the service that idles in a transaction for "1s"
      And the fault is injected again
      Then "registry" answers requests within 2m
