# Whether this node answers as a member of the cluster. Its name leads to the pod itself, and is in its certificate.
set -eu
ask() {
  curl --silent --fail --output /dev/null --max-time 4 --cacert "$ES_PATH_CONF/tls/ca.crt" \
    --config "$ES_PATH_CONF/logins/curlrc" "https://$POD_NAME:9200/_cluster/health?timeout=2s&master_timeout=2s$1"
}
# Once after each start, its shards must have come back: pods are replaced one by one, and the next may hold the only other copy.
if [ ! -e /tmp/joined ]; then
  ask '&wait_for_events=languid&wait_for_no_initializing_shards=true'
  touch /tmp/joined
fi
ask ''
