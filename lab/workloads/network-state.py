#!/usr/bin/python3
"""Prints the network of this host, a line for each thing that an operator sets, so that two kernels can be compared: without
indexes, counters and timers, and of each kind of link only what every kernel tells."""

import json
import subprocess

LINK = ["ifname", "link", "flags", "mtu", "master", "operstate", "group", "txqlen", "ifalias", "address"]
DATA = ["protocol", "id", "mode", "miimon", "primary", "stp_state", "vlan_filtering", "vlan_default_pvid", "forward_delay"]
ADDRESS = ["family", "local", "prefixlen", "broadcast", "scope", "label", "valid_life_time"]
SYSCTLS = [
    "ipv4/ip_forward", "ipv4/tcp_keepalive_time", "ipv4/conf/lab-dummy/rp_filter", "ipv6/conf/lab-bond/hop_limit",
    "ipv4/conf/default/rp_filter", "ipv6/conf/lab-vlan/forwarding",
]


def said(*words):
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout or "[]")


def tell(kind, thing, keys=None):
    chosen = {key: thing[key] for key in (keys or thing) if key in thing}
    print(kind, json.dumps(chosen, sort_keys=True))


def lines(kind, things):
    for line in sorted(json.dumps(thing, sort_keys=True) for thing in things):
        print(kind, line)


for link in sorted(said("ip", "-d", "-j", "link", "show"), key=lambda each: each["ifname"]):
    tell("link", link, LINK)
    info = link.get("linkinfo", {})
    tell(f"  {info.get('info_kind')} of", info.get("info_data") or {}, DATA)
for link in sorted(said("ip", "-j", "addr", "show"), key=lambda each: each["ifname"]):
    for address in sorted(link["addr_info"], key=lambda each: each["local"]):
        print(link["ifname"], end=" ")
        tell("address", address, ADDRESS)
lines("route", said("ip", "-j", "-4", "route", "show", "table", "all"))
lines("route", said("ip", "-j", "-6", "route", "show", "table", "all"))
lines("rule", said("ip", "-j", "-4", "rule", "show"))
lines("rule", said("ip", "-j", "-6", "rule", "show"))
lines("neighbour", said("ip", "-j", "neigh", "show", "nud", "permanent"))
lines("bridge vlan", said("bridge", "-j", "vlan", "show"))
print(subprocess.run(["nft", "-s", "list", "ruleset"], check=True, capture_output=True, text=True).stdout)
for sysctl in SYSCTLS:
    try:
        with open(f"/proc/sys/net/{sysctl}", encoding="ascii") as file:
            print(sysctl, file.read().strip())
    except FileNotFoundError:
        print(sysctl, "is not there")
