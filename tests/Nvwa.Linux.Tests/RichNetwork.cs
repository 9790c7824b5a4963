using System.Net;
using static Nvwa.Linux.Tests.NetworkSetup;

namespace Nvwa.Linux.Tests;

/// <summary>A network with one of each: links, addresses, routes, rules, neighbours, filters.</summary>
internal static class RichNetwork
{
    /// <summary>Some of everything that this kernel has without modules.</summary>
    private const string Rich = """
        link set lo up
        link add eth0 address 02:00:00:00:00:10 type veth peer name far0 address 02:00:00:00:00:11
        link add eth1 address 02:00:00:00:00:20 type veth peer name far1
        link set far0 up
        link set eth0 mtu 1400 txqueuelen 77 alias "to the left" group 9 up
        link set far1 up
        link add br0 address 02:00:00:00:00:30 type bridge stp_state 1 priority 1000 ageing_time 5000 forward_delay 400 mcast_snooping 0
        link set eth1 master br0
        link set eth1 type bridge_slave hairpin on isolated on priority 7 neigh_suppress on
        link set eth1 up
        link set br0 up
        link property add dev br0 altname a-longer-name-than-fifteen
        link add mv0 link eth0 address 02:00:00:00:00:40 type macvlan mode private
        link set mv0 up
        link add down0 address 02:00:00:00:00:60 mtu 1300 type ifb
        address add 127.0.5.1/32 dev lo
        address add 192.0.2.1/24 dev eth0
        address add 192.0.2.2/24 broadcast 192.0.2.255 dev eth0 label eth0:two
        address add 192.0.2.3/24 dev eth0 noprefixroute metric 77
        address add 192.0.2.4/24 dev eth0 valid_lft 600 preferred_lft 300
        address add 198.51.100.1 peer 198.51.100.2/32 dev mv0
        address add 203.0.113.1/24 dev br0 metric 55
        address add 192.0.2.200/24 dev down0
        -6 address add 2001:db8::1/64 dev eth0
        -6 address add 2001:db8::2/64 dev eth0 nodad noprefixroute
        -6 address add 2001:db8::3/64 dev eth0 valid_lft 600 preferred_lft 0
        -6 address add 2001:db8:1::1/64 dev br0 nodad home
        route add default via 192.0.2.254 proto static metric 5 mtu lock 1300 src 192.0.2.1
        route add default via 203.0.113.254 proto dhcp metric 100
        route add 10.0.0.0/8 via 10.9.9.9 dev eth0 onlink advmss 1000 initcwnd 12 congctl reno
        route add 10.1.0.0/16 proto 99 nexthop via 192.0.2.7 weight 2 nexthop via 203.0.113.7 dev br0 weight 3 onlink
        route add 10.2.0.0/16 via inet6 2001:db8::7 dev eth0
        route append 10.3.0.0/16 dev eth0 metric 4
        route append 10.3.0.0/16 dev br0 metric 4
        route add blackhole 10.4.0.0/16
        route add unreachable 10.5.0.0/16 metric 3
        route add prohibit 10.6.0.0/16 table 77
        route add throw 10.7.0.0/16 table 100
        route add local 10.8.0.0/16 dev lo
        route add 10.99.0.0/16 via 192.0.2.9 tos 0x10 realm 5
        route add 172.16.0.0/24 via 192.0.2.9
        route add table 100 default via 172.16.0.1 dev eth0 onlink
        -6 route add default via 2001:db8::ffff proto ra metric 512 expires 300 pref high
        -6 route add 2001:db8:5::/48 via 2001:db8::77 src 2001:db8::2
        -6 route add 2001:db8:6::/48 nexthop via 2001:db8::78 dev eth0 weight 2 nexthop via 2001:db8:1::79 dev br0
        -6 route add blackhole 2001:db8:7::/48
        -6 route add 2001:db8:8::/48 from 2001:db8:9::/48 via 2001:db8::77
        -6 route add 2001:db8:a::/48 dev br0 metric 9
        -6 route add 2001:db8:a::/48 dev eth0 metric 8
        route add 192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.3 metric 100
        -6 route add 2001:db8::/64 dev eth0 proto kernel metric 100
        rule add fwmark 0x1/0xff table 100 priority 100
        rule add from 192.0.2.0/24 to 10.0.0.0/8 iif br0 oif mv0 tos 0x10 lookup 100 priority 200 suppress_prefixlength 0
        rule add priority 201 blackhole sport 5-10 dport 80 ipproto tcp uidrange 5-6
        rule add priority 202 goto 32766
        rule add priority 203 not from 1.2.3.4 lookup main protocol static
        rule del priority 32767
        -6 rule add fwmark 7 table 100 priority 99
        neighbour add 192.0.2.44 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
        neighbour add proxy 192.0.2.45 dev eth0
        -6 neighbour add 2001:db8::44 lladdr 02:00:00:00:00:02 dev eth0 nud permanent router

        """;

    /// <summary>The kernel takes these only where there is a carrier.</summary>
    private const string Nexthops = """
        nexthop add id 5 via 192.0.2.9 dev eth0 proto static
        nexthop add id 6 via 192.0.2.10 dev eth0
        nexthop add id 3 group 5,3/6,2
        nexthop add id 8 blackhole
        route add 10.10.0.0/16 nhid 3
        route add 10.11.0.0/16 nhid 8

        """;

    private const string Filters = """
        flush ruleset
        table inet filter {
          counter seen { }
          set peers { type ipv4_addr; flags interval; elements = { 192.0.2.0/28, 198.51.100.7 } }
          chain input {
            type filter hook input priority filter; policy drop;
            ct state established,related accept
            iifname "lo" accept
            ip saddr @peers tcp dport { 22, 80 } counter name "seen" accept comment "a } in words"
          }
        }
        table ip nat {
          chain out {
            type nat hook postrouting priority srcnat
            oif "eth0" masquerade
          }
        }
        table netdev early {
          chain in {
            type filter hook ingress device "eth0" priority 0
            ip saddr 203.0.113.66 drop
          }
        }

        """;

    /// <summary>In a namespace of its own; with it what the tools say of it.</summary>
    public static async Task<(NetworkConfiguration Configuration, string Text)> ReadAsync()
    {
        (NetworkConfiguration, string) read = default;
        await NetworkNamespace.RunAsync(() =>
        {
            Ip(Rich);
            Nft(Filters);
            Carrier.Await("eth0");
            Ip(Nexthops);
            // A tentative one would become usable between the one look and the other.
            LocalAddresses.WaitAsync([IPAddress.Parse("2001:db8::1"), IPAddress.Parse("2001:db8::3")], Long, CancellationToken.None).GetAwaiter().GetResult();
            read = (NetworkSetup.Read(), NetworkText.Of());
        });
        return read;
    }
}
