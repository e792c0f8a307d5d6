#!/bin/bash
# Spark's pods start here. `executor` is what Spark itself asks for; `driver` and anything else runs
# the command behind it, in place of this shell, so that it gets the pod's signals.
set -euo pipefail

# A JVM and Hadoop ask who they are; a uid without a name ends in an exception.
if ! getent passwd "$(id -u)" >/dev/null && [ -w /etc/passwd ]; then
  echo "spark:x:$(id -u):$(id -g)::$SPARK_HOME:/bin/bash" >>/etc/passwd
fi

case "${1:-}" in
driver)
  shift
  exec "$@"
  ;;
executor)
  # Spark numbers the JVM options of an executor in its environment.
  options=()
  while IFS= read -r name; do
    options+=("${!name}")
  done < <(compgen -e | grep -E '^SPARK_JAVA_OPT_[0-9]+$' | sort -t_ -k4 -n)
  exec "$JAVA_HOME/bin/java" "${options[@]}" \
    -Xms"$SPARK_EXECUTOR_MEMORY" -Xmx"$SPARK_EXECUTOR_MEMORY" \
    -cp "${SPARK_CLASSPATH:-}:$SPARK_HOME/jars/*" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" \
    --executor-id "$SPARK_EXECUTOR_ID" \
    --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" \
    --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" \
    --podName "$SPARK_EXECUTOR_POD_NAME"
  ;;
*)
  exec "$@"
  ;;
esac
