@id:RB-ALERT-005 @version:1.0.1 @owner:data-platform @severity:P2
@alert:PodCrashLoop @rto:15m @domain:cluster/namespace
Feature: Pod crash loop
  Meaning: a container of a service starts, ends and is restarted again and again.
  Impact: the service answers nobody, or with fewer pods than it needs.
  Normal: the service answers, and its containers have not restarted.
  Not this page: the driver of a Spark application, which has a page of its own; a pod that waits for its image or for a node, which never started.
  Escalation: after 10 minutes call the team that owns the service; when the cluster or the monitoring gives no answer, call the owner of this page at once.

  Background:
    Given a PostgreSQL server "registry-db"
    And a Redis server "registry-cache"
    And the registry service "registry" on "registry-db" and "registry-cache"

  @cause:bad-configuration
  Rule: The service refuses its configuration
    A value in the ConfigMap named after the service, with "-conf" at its end, is one that the service does not start with. Its last log line names the key.

    Background:
      Given the pool size of "registry" is no number

    @detection
    Scenario: The alert names the pod that refuses its configuration
      Then the alert "PodCrashLoop" fires within 90s

    @diagnosis
    Scenario: The last log names the refused key
      Then the log of the server of "registry" contains "refused configuration"

    @remediation
    Scenario: The last good value brings the service back
      When the configuration "POOL_SIZE" of "registry" is set to "8"
      And the server of "registry" is restarted
      Then the server of "registry" is ready within 2m
      And "registry" answers requests within 2m
      And the alert "PodCrashLoop" is silent within 2m

    @prevention
    Scenario: A working configuration can no longer be edited in place
      When the configuration of the service "registry" is made immutable
      And the fault is injected again
      Then "registry" answers requests within 2m

  @cause:liveness-too-strict
  Rule: The liveness probe ends the container before it has started
    The kubelet asks earlier than the service can answer, and restarts what would have come up. The service itself logs no error.

    Background:
      Given the liveness probe of "registry" is stricter than its start is long

    @detection
    Scenario: The alert names the pod that is ended before it has started
      Then the alert "PodCrashLoop" fires within 90s

    @diagnosis
    Scenario: The kubelet says that the probe ended it
      Then the pods of the server of "registry" have an event "failed liveness probe, will be restarted"

    @remediation
    Scenario: The revision before brings the service back
      When the server of "registry" is rolled back to its revision before
      Then the server of "registry" is ready within 2m
      And "registry" answers requests within 2m
      And the alert "PodCrashLoop" is silent within 2m

    @prevention
    Scenario: A new revision that never gets ready takes no pod away
      When a release of the server of "registry" waits for its new pod before the old one ends
      And the fault is injected again
      Then "registry" answers requests within 2m

  @cause:missing-secret
  Rule: A Secret that the release names is not there
    The pods of a release wait for a Secret that was never made, or was made under another name. Where the volume is optional the container starts without it, and ends.

    Background:
      Given the release of "registry" names a Secret that is not there

    @detection
    Scenario: The alert names the pod without its Secret
      Then the alert "PodCrashLoop" fires within 90s

    @diagnosis
    Scenario: The last log names the file that is not there
      Then the log of the server of "registry" contains "missing secret"

    @remediation
    Scenario: The revision that named the right Secret brings the service back
      When the server of "registry" is rolled back to its revision before
      Then the server of "registry" is ready within 2m
      And "registry" answers requests within 2m
      And the alert "PodCrashLoop" is silent within 2m

    @prevention
    Scenario: The old pods serve until the new ones do
      When a release of the server of "registry" waits for its new pod before the old one ends
      And the fault is injected again
      Then "registry" answers requests within 2m
