#!/usr/bin/env python3
"""Writes the golden journals from the words of the format alone (JournalCodec.cs), not with the code under test.

journal-1  as the first version wrote it
journal-2  with what came since: kernel.panic, digests of images, troubles of a closed update
journal-3  with sandboxes, IPC namespaces, watchdogs, identifiers and unit files of workloads
journal-4  with addresses and the network configuration
journal-5  with virtual machines
"""
import pathlib
import struct


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78)
    return crc ^ 0xFFFFFFFF


def at(second):
    return '{"boottime":%d,"realtime":%d}' % (second * 1000000001, 1795253400000000000 + second * 1000000000)


FIRST = [
    '{"record":"opened","id":"20261121T093000Z","oldRelease":"6.12.48-amd64","newRelease":"7.0.1-amd64","bootId":"0b5e0f3a-old",'
    '"imagesDirectory":"/var/nvwa/running/20261121T093000Z","criuExe":"/usr/sbin/criu","debug":true,"at":' + at(1) + '}',
    '{"record":"phase","phase":"Load","at":' + at(2) + '}',
    '{"record":"planned","workloads":['
    '{"name":"redis.service","kind":"Service","unit":"redis.service","mainPid":612,"numbers":[612,613],"serviceType":"Notify",'
    '"journalSockets":[{"inode":9317}]},'
    '{"name":"1800","kind":"Process","unit":"nvwa-1800.scope","mainPid":1800,"numbers":[1800],"serviceType":"None","journalSockets":[]}],'
    '"stopList":["cron.service","ssh.socket"],"rtc":{"seconds":1795253400,"boottime":3000000003}}',
    '{"record":"locked","workload":"redis.service","endpoints":['
    '{"protocol":"tcp","local":"10.0.2.15:6379","remote":"10.0.2.2:50123"},{"protocol":"udp","local":"[::]:5353","remote":null}]}',
    '{"record":"frozen","began":' + at(4) + ',"at":' + at(5) + '}',
    '{"record":"saved","workload":"redis.service","bytes":1234567890123,"at":' + at(6) + '}',
    '{"record":"committed","at":' + at(7) + '}',
    '{"record":"revoked","reason":"the kernel returned from the jump"}',
    '{"record":"rolled-back","during":"Switch","reason":"Switch: out of \\u0022luck\\u0022","restarted":["cron.service"],'
    '"troubles":["start ssh.socket: failed"],"at":' + at(8) + '}',
    '{"record":"arrived","bootId":"9c41d2ee-new","release":"7.0.1-amd64","at":' + at(9) + '}',
    '{"record":"attempted","workload":"redis.service","bootId":"9c41d2ee-new","at":' + at(10) + '}',
    '{"record":"resuming","workload":"redis.service","bootId":"9c41d2ee-new","at":' + at(11) + '}',
    '{"record":"restored","workload":"redis.service","mainPid":612,"at":' + at(12) + '}',
    '{"record":"not-restored","workload":"1800","fate":"Lost","reason":"its PID is taken",'
    '"log":"/var/nvwa/running/1800/restore.log","at":' + at(13) + '}',
    '{"record":"closed","outcome":"Degraded","rtc":{"seconds":1795253414,"boottime":14000000014},"at":' + at(14) + '}',
]

SINCE = {
    "planned": ',"panicTimeout":30}',
    "saved": ',"digest":"0badcafe"}',
    "closed": ',"troubles":["no packet lock"]}',
}


def second(record):
    kind = record.split('"')[3]
    return record[:-1] + SINCE[kind] if kind in SINCE else record


def third(record):
    return (record
            .replace('"journalSockets":[{"inode":9317}]', '"journalSockets":[{"inode":9317}],"sandbox":["mnt","net"],"noExec":true,"ownIpc":true,"watchdog":30000000,"identifier":"redis-server","unitFiles":"deadbeef"')
            .replace('"journalSockets":[]', '"journalSockets":[],"sandbox":[],"noExec":false,"ownIpc":false,"watchdog":0,"identifier":null,"unitFiles":null'))


NETWORK = {
    "locked": [
        '{"record":"addressed","addresses":[{"address":"10.0.2.15","prefixLength":24,"link":"ens3","until":1795339800000000000},{"address":"fd66::2","prefixLength":64,"link":"ens3","until":null}]}',
        '{"record":"network-saved","bytes":4711,"digest":"5ca1ab1e","at":' + at(3) + '}',
    ],
    "arrived": [
        '{"record":"network-attempted","bootId":"9c41d2ee-new","at":' + at(9) + '}',
        '{"record":"network-restored","bootId":"9c41d2ee-new","notes":["link tun0 (tun) is not there"],"at":' + at(9) + '}',
        '{"record":"network-not-restored","bootId":"9c41d2ee-new","reason":"set up link eth0: Connection timed out","at":' + at(9) + '}',
    ],
}


def fourth(records):
    """With these before the records of those kinds."""
    return [each for record in records for each in [*NETWORK.get(record.split('"')[3], []), record]]


MACHINE = (
    ',{"name":"web","kind":"Service","unit":"web-vm.service","mainPid":901,"numbers":[],"serviceType":"None","journalSockets":[],'
    '"sandbox":[],"noExec":false,"ownIpc":false,"watchdog":0,"identifier":null,"unitFiles":null,'
    '"machine":{"qmp":"/run/web.qmp","commandLine":["/usr/bin/qemu-system-x86_64","-S"],"isLive":true,"neededPaths":["/srv/web.qcow2"],'
    '"neededDevices":["/dev/dax0.0"],"oldProgram":"/opt/qemu","sleeps":"/run/web.agent"}}]')


def fifth(record):
    kind = record.split('"')[3]
    if kind == "planned":
        return record.replace('"unitFiles":"deadbeef"', '"unitFiles":"deadbeef","machine":null').replace('"unitFiles":null}]', '"unitFiles":null,"machine":null}' + MACHINE)
    return record[:-1] + ',"stopped":' + at(5) + '}' if kind == "saved" else record


def write(name, records):
    journal = b"NVWAJRN1"
    for record in records:
        payload = record.encode()
        length = struct.pack("<I", len(payload))
        journal += length + struct.pack("<I", crc32c(length + payload)) + payload
    pathlib.Path(__file__).with_name(name).write_bytes(journal)


write("journal-1", FIRST)
write("journal-2", [second(record) for record in FIRST])
write("journal-3", [third(second(record)) for record in FIRST])
write("journal-4", fourth([third(second(record)) for record in FIRST]))
write("journal-5", [fifth(record) for record in fourth([third(second(record)) for record in FIRST])])
