"""Makes the data directory of a new store. Runs to its end before Patroni starts; killed at any point, it starts again.

Patroni could run initdb itself, but a pod that is killed meanwhile never recovers: it takes half a data directory for a whole
one, never makes the replication role, or waits for ever for the leader that began to initialise. So:

1. A data directory that is there is complete, because of 3. Leave it alone.
2. Only the first member makes one, and only if this store never had one. The others wait for the first and copy it.
3. initdb and the roles go into a directory beside it, which then gets its name: a rename happens or does not.
"""
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

account = '/var/run/secrets/kubernetes.io/serviceaccount'
data = os.environ['DATA_DIRECTORY']


def initialised():
    """Whether Patroni recorded a database for this store: its system identifier stays in <store>-config."""
    host = '{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}'.format(**os.environ)
    path = '/api/v1/namespaces/{NAMESPACE}/endpoints/{STORE}-config'.format(**os.environ)
    with open(account + '/token') as file:
        headers = {'Authorization': 'Bearer ' + file.read()}
    context = ssl.create_default_context(cafile=account + '/ca.crt')
    request = urllib.request.Request('https://' + host + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5, context=context) as response:
            annotations = json.load(response)['metadata'].get('annotations', {})
            return bool(annotations.get('initialize'))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def make(directory):
    shutil.rmtree(directory, ignore_errors=True)
    with tempfile.NamedTemporaryFile('w') as file:
        file.write(os.environ['SUPERUSER_PASSWORD'])
        file.flush()
        # The builtin provider sorts the same on every machine and after every libc upgrade.
        subprocess.run([
            'initdb', '--pgdata', directory, '--username', os.environ['SUPERUSER_USERNAME'], '--pwfile', file.name,
            '--encoding', 'UTF8', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--locale', 'C.UTF-8',
            '--auth-local', 'peer', '--auth-host', 'scram-sha-256', '--data-checksums',
        ], check=True)  # fmt: skip
    replication = 'CREATE ROLE "{}" LOGIN REPLICATION PASSWORD {}\n'.format(
        os.environ['REPLICATION_USERNAME'], literal(os.environ['REPLICATION_PASSWORD'])
    )
    command = ['postgres', '--single', '-c', 'exit_on_error=on', '-c', 'log_min_error_statement=panic', '-D', directory, 'postgres']
    subprocess.run(command, input=replication, text=True, check=True, stdout=subprocess.DEVNULL)
    os.sync()


if os.path.exists(data):
    sys.exit(0)
first = os.environ['POD_NAME'].endswith('-0')
while not first and not initialised():
    time.sleep(1)
if not first:
    sys.exit(0)
if initialised():
    sys.exit(
        'The volume is empty, but {STORE} had a database: bring its volume back, or delete the Endpoints {STORE}-config '
        'to start with an empty database.'.format(**os.environ)
    )
make(data + '.new')
os.rename(data + '.new', data)
os.sync()
