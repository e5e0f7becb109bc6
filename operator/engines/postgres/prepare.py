"""Makes the data directory of a new store. Runs to its end before Patroni starts; killed at any point, it starts again.

Patroni could run initdb itself, but a pod that is killed meanwhile never recovers: it takes half a data directory for a whole
one, never makes the replication role, or waits for ever for the leader that began to initialise. So:

1. A data directory with pg_control is complete: a copy writes that file last, and because of 4. Leave it alone.
2. Only the first member makes one, and only if this store never had one. The others wait for the first and copy it.
3. A member that lost its volume, or was killed while it copied, copies again, but only from another member that leads: what is
   there of the directory is not removed before, and who waits in vain says what is missing.
4. initdb and the roles go into a directory beside it, which then gets its name: a rename happens or does not.
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


def remembered(name):
    """What Patroni noted in the Endpoints of this name; empty when there are none."""
    host = '{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}'.format(**os.environ)
    path = '/api/v1/namespaces/{NAMESPACE}/endpoints/'.format(**os.environ) + name
    with open(account + '/token') as file:
        headers = {'Authorization': 'Bearer ' + file.read()}
    context = ssl.create_default_context(cafile=account + '/ca.crt')
    request = urllib.request.Request('https://' + host + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5, context=context) as response:
            return json.load(response)['metadata'].get('annotations') or {}
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}
        raise


def initialised():
    """Whether Patroni recorded a database for this store: its system identifier stays in <store>-config."""
    return bool(remembered(os.environ['STORE'] + '-config').get('initialize'))


def other_leads(seconds):
    """Whether another member holds the lock and renews it, as one that lives does at every turn of its loop."""
    seen = set()
    for _ in range(seconds):
        lock = remembered(os.environ['STORE'])
        if lock.get('leader') not in (None, os.environ['POD_NAME']):
            seen.add((lock['leader'], lock.get('renewTime')))
        if len(seen) > 1:
            return True
        time.sleep(1)
    return False


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


if os.path.exists(data + '/global/pg_control'):
    sys.exit(0)
first = os.environ['POD_NAME'].endswith('-0')
partial = os.path.exists(data)
while not first and not initialised():
    time.sleep(1)
if not first and not partial:
    sys.exit(0)
if initialised():
    if other_leads(seconds=30):
        if partial:
            shutil.rmtree(data)
        sys.exit(0)
    found = 'The data directory is not complete' if partial else 'The volume is empty'
    sys.exit(found + ', but {STORE} had a database, and no other member leads it: bring the volume back.'.format(**os.environ))
if partial:
    sys.exit(data + ' has no global/pg_control: it is no data directory, and nobody knows whose it was. Bring the volume back.')
make(data + '.new')
os.rename(data + '.new', data)
os.sync()
