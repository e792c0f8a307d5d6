@id:RB-OPS-002 @version:1.0.0 @owner:data-platform @severity:P2 @kind:operation
@rto:2m @domain:cluster/namespace
Feature: Roll back a release
  Meaning: a release of a service is live and fails what it is asked, and the revision before it did not.
  Impact: whoever asks for what the release broke gets an error, until the revision before is live again; during the change the service is away for the seconds of its start.
  Normal: the live revision answers what the service is asked.
  Not this page: a release whose pods do not stay up, which RB-ALERT-005 is about; a release that changed the database so that the code before cannot read it.
  Escalation: when the revision before fails too, or there is none, call the team that owns the service at once; so also when the cluster or the monitoring gives no answer.

  Background:
    Given a PostgreSQL server "registry-db"
    And a Redis server "registry-cache"
    And the registry service "registry" on "registry-db" and "registry-cache"

  @cause:failing-release
  Rule: The live release answers with errors
    The new code reads a column that no migration has added. It starts, its readiness probe asks something else, and the rollout completes: nothing but its callers sees that it fails.

    Background:
      Given a release of "registry" reads a column that is not there

    @detection
    Scenario: Callers get errors
      Then "registry" answers "/models" with 500 within 30s

    @diagnosis
    Scenario: The errors began with the live revision, and there is one to go back to
      Then the server of "registry" has a revision before its present one
      And "registry" began to fail with its present revision

    @remediation
    Scenario: The revision before is live and answers
      When the server of "registry" is rolled back to its revision before
      Then "registry" answers "/models" with 200 within 1m

    @prevention
    Scenario: A release that would fail its callers takes no pod away
      When a release of the server of "registry" waits for its new pod before the old one ends
      And the readiness probe of the server of "registry" is pointed at "/models"
      Then the new revision of the server of "registry" is rolled out within 1m
      When the fault is injected again
      Then "registry" answers "/models" with 200 within 1m
