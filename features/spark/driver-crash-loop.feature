@id:RB-SPARK-001 @version:3.0.0 @owner:data-platform @severity:P1
@alert:SparkDriverCrashLoop @rto:15m @domain:cluster/namespace
Feature: Spark driver crash loop
  Meaning: the driver of a long-running Spark application starts, fails and is restarted again and again. The driver is the one process that plans the application's work and hands it to workers, the executors; here it is the pod of the Deployment that has the application's name.
  Impact: without a driver the application makes no progress; its consumers read old data.
  Normal: the application completes a batch, the portion of data that it takes at a time, every few seconds, and its driver has not restarted.
  Not this page: the driver runs but no executor comes up (the driver's log says "Initial job has not accepted any resources"); single executors die while batches go on.
  Escalation: after 10 minutes without progress call the team that owns the application; when the cluster or the monitoring gives no answer, call the owner of this page at once.

  Background:
    Given the Spark application "orders" is making progress

  @cause:driver-oom
  Rule: The driver runs out of memory
    The container's memory limit is smaller than what the driver really uses, so the kernel kills it.
    A larger heap (the part of the memory that Java manages) does not help: heap, Python and all other memory count against the same limit.

    Background:
      Given the driver of "orders" needs more memory than its limit

    @detection
    Scenario: The alert names the application that lost its driver to memory
      Then the alert "SparkDriverCrashLoop" fires within 90s

    @diagnosis
    Scenario: The last termination says out of memory
      Then the driver of "orders" was last terminated with reason "OOMKilled"

    @remediation
    Scenario: A higher memory limit brings the application back
      When the memory limit of the driver of "orders" is raised to 3 times what it is
      Then "orders" completes a batch within 3m
      And the alert "SparkDriverCrashLoop" is silent within 2m

    @prevention
    Scenario: The same load no longer kills the driver
      When the fault is injected again
      Then "orders" completes a batch within 3m

  @cause:missing-module
  Rule: A module of the application is missing from its configured path
    The configuration points at a folder that does not hold the application's code, most often after a release moved it. The configuration is the ConfigMap named after the application, with "-conf" at its end; its key is "library-path".

    Background:
      Given the library path of "orders" points at a folder that does not exist

    @detection
    Scenario: The alert names the application that cannot load its code
      Then the alert "SparkDriverCrashLoop" fires within 90s

    @diagnosis
    Scenario: The last log of the driver names the missing module
      Then the log of the driver of "orders" contains "ModuleNotFoundError"

    @remediation
    Scenario: The right library path brings the application back
      When the library path of "orders" is set to "/app/lib"
      And the driver of "orders" is restarted
      Then "orders" completes a batch within 3m
      And the alert "SparkDriverCrashLoop" is silent within 2m

    @prevention
    Scenario: A working configuration can no longer be edited in place
      When the configuration of "orders" is made immutable
      And the fault is injected again
      Then "orders" completes a batch within 3m

  @cause:refused-configuration
  Rule: The configuration is refused at start
    Spark checks some settings before it does anything, and ends when one is out of range; a driver heap (the memory that Java manages) below about 450 MiB is one.
    The configuration is the ConfigMap named after the application, with "-conf" at its end; the heap is its key "driver-memory".

    Background:
      Given the driver heap of "orders" is set below Spark's minimum

    @detection
    Scenario: The alert names the application whose configuration is refused
      Then the alert "SparkDriverCrashLoop" fires within 90s

    @diagnosis
    Scenario: The last log of the driver names the refused setting
      Then the log of the driver of "orders" contains "INVALID_DRIVER_MEMORY"

    @remediation
    Scenario: A valid driver heap brings the application back
      When the driver heap of "orders" is set to "512m"
      And the driver of "orders" is restarted
      Then "orders" completes a batch within 3m
      And the alert "SparkDriverCrashLoop" is silent within 2m

    @prevention
    Scenario: A refused configuration falls back to the last good one
      When the configuration of "orders" is kept as its last good one
      And the fault is injected again
      Then "orders" completes a batch within 3m
