# Whether this node answers as a member of the cluster. Its name leads to the pod itself, and is in its certificate.
set -eu
ask() {
  curl --silent --fail --max-time 4 --cacert "$ES_PATH_CONF/tls/ca.crt" --config "$ES_PATH_CONF/logins/curlrc" \
    "https://$POD_NAME:9200/_cluster/$1"
}
# What the node itself knows: asking for more would fill its log while there is no master.
case $(ask 'state/master_node?filter_path=master_node') in *'"master_node":"'*) ;; *) exit 1 ;; esac
# Once after each start, its shards must have come back: pods are replaced one by one, and the next may hold the only other copy.
if [ ! -e /tmp/joined ]; then
  ask 'health?wait_for_events=languid&wait_for_no_initializing_shards=true&timeout=2s&master_timeout=2s' > /dev/null
  touch /tmp/joined
fi
