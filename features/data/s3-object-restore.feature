@id:RB-DATA-005 @version:1.0.0 @owner:data-platform @severity:P1
@alert:ObjectsLost @rto:30m @domain:cluster/namespace
Feature: S3 objects are lost
  Meaning: objects that the store had acknowledged are not in their bucket any more, or hold other bytes; their older versions are still there.
  Impact: whoever reads the dataset gets fewer rows, or an error, and what is computed from it is wrong.
  Normal: the dataset's ledger and the bucket's listing agree, object by object.
  Not this page: a store that does not answer; a bucket that keeps no versions, which only a replica or a backup brings back.
  Escalation: after 15 minutes, or when the tool counts a lost object, call the owner of this page; the dataset's owner has to stop the job that does it.

  Background:
    Given an object store "lake"
    And a dataset "sales/orders" of 200 objects in a versioned bucket of "lake"

  @cause:objects-deleted
  Rule: A job deleted objects
    Somebody's program deleted keys of the dataset, each by a request. The bucket keeps their versions below delete markers.

    Background:
      Given a job deletes 150 objects of "sales/orders"

    @detection
    Scenario: The alert names the bucket and the prefix that lost objects
      Then the alert "ObjectsLost" fires within 60s

    @diagnosis
    Scenario: Delete markers hide objects, and no rule put them there
      Then objects of "sales/orders" are hidden by delete markers
      And no lifecycle rule expires objects of "sales/orders"

    @remediation
    Scenario: The versions below the delete markers come back
      When the objects of "sales/orders" are brought back to the last moment when all were right
      Then every acknowledged object of "sales/orders" is right within 30s
      And the alert "ObjectsLost" is silent within 60s

    @prevention
    Scenario: The job's account may not delete there any more
      When the account "arn:aws:iam::000000000000:user/jobs" is denied "DeleteObject" on "sales/orders"
      And the fault is injected again
      Then every acknowledged object of "sales/orders" is right within 30s

  @cause:objects-overwritten
  Rule: A job overwrote objects
    Every key is there, and some hold other bytes than those that were acknowledged: a newer version, such as an empty one, lies above the good one.

    Background:
      Given a job empties 150 objects of "sales/orders"

    @detection
    Scenario: The alert names the bucket and the prefix with other bytes
      Then the alert "ObjectsLost" fires within 60s

    @diagnosis
    Scenario: The ledger counts objects with other bytes
      Then objects of "sales/orders" hold other bytes than were acknowledged

    @remediation
    Scenario: The last good versions come back
      When the objects of "sales/orders" are brought back to the last moment when all were right
      Then every acknowledged object of "sales/orders" is right within 30s
      And the alert "ObjectsLost" is silent within 60s

    @prevention
    Scenario: The job's account may not write there any more
      When the account "arn:aws:iam::000000000000:user/jobs" is denied "PutObject" on "sales/orders"
      And the fault is injected again
      Then every acknowledged object of "sales/orders" is right within 30s

  @cause:prefix-emptied-by-lifecycle
  Rule: A lifecycle rule expires the dataset
    A rule that was meant for other objects has no prefix, or too short a one. The store itself expires the dataset, and whatever is written into it, until the rule is disabled.

    Background:
      Given a lifecycle rule for temporary objects covers "sales/orders" too

    @detection
    Scenario: The alert names the bucket and the prefix that is being emptied
      Then the alert "ObjectsLost" fires within 60s

    @diagnosis
    Scenario: A rule covers the prefix, and its objects are expired
      Then a lifecycle rule expires objects of "sales/orders"
      And objects of "sales/orders" are hidden by delete markers

    @remediation
    Scenario: The rule ends first, then the expired versions come back
      When the lifecycle rules that expire "sales/orders" are disabled
      And the objects of "sales/orders" are brought back to the last moment when all were right
      Then every acknowledged object of "sales/orders" is right within 30s
      And the alert "ObjectsLost" is silent within 60s

    @prevention
    Scenario: The job's account may not set lifecycle rules any more
      When the account "arn:aws:iam::000000000000:user/jobs" is denied "PutLifecycleConfiguration" on "sales/orders"
      And the fault is injected again
      Then every acknowledged object of "sales/orders" is right within 30s
