# Puts the configuration folder together, which the server wants to write to, and starts the server.
set -eu
cd "$ES_PATH_CONF"
# Of this very start, not of one before in the same pod.
rm -f /tmp/joined
# The image's own options belong to its version.
cp -f /usr/share/elasticsearch/config/jvm.options .
mkdir -p jvm.options.d
cp -f settings/elasticsearch.yml settings/log4j2.properties settings/unicast_hosts.txt .
# These it reads again when they change behind the link.
mkdir -p analysis
ln -sf ../settings/skills_synonyms.txt analysis/
for file in users users_roles roles.yml; do ln -sf "logins/$file" .; done
# A store that has been ready once is never founded again: a pod that lost its volume joins the others, or waits for them.
if [ "$(cat settings/founder)" = "$POD_NAME" ]; then
  exec /usr/share/elasticsearch/bin/elasticsearch -E "cluster.initial_master_nodes=$POD_NAME"
fi
exec /usr/share/elasticsearch/bin/elasticsearch
