namespace Nvwa.Linux;

/// <summary>Numbers of rtnetlink(7), by the names that the kernel's headers give them; only what is used.</summary>
internal static class Rtnetlink
{
    // linux/netlink.h
    public const ushort NLMSG_ERROR = 2;
    public const ushort NLMSG_DONE = 3;
    public const ushort NLM_F_REQUEST = 0x1;
    public const ushort NLM_F_ACK = 0x4;
    public const ushort NLM_F_DUMP_INTR = 0x10;
    public const ushort NLM_F_CAPPED = 0x100;
    public const ushort NLM_F_ACK_TLVS = 0x200;
    public const ushort NLM_F_DUMP = 0x300;
    public const ushort NLM_F_REPLACE = 0x100;
    public const ushort NLM_F_EXCL = 0x200;
    public const ushort NLM_F_CREATE = 0x400;
    public const ushort NLM_F_APPEND = 0x800;
    public const ushort NLMSGERR_ATTR_MSG = 1;
    public const ushort NLA_F_NESTED = 0x8000;
    public const ushort NLA_TYPE_MASK = 0x3fff;

    // linux/rtnetlink.h: what makes, and with one more what removes, and with two more what asks.
    public const ushort RTM_NEWLINK = 16;
    public const ushort RTM_SETLINK = 19;
    public const ushort RTM_NEWADDR = 20;
    public const ushort RTM_NEWROUTE = 24;
    public const ushort RTM_NEWNEIGH = 28;
    public const ushort RTM_NEWRULE = 32;
    public const ushort RTM_NEWNEXTHOP = 104;
    public const ushort RTM_NEWLINKPROP = 108;

    public const byte AF_UNSPEC = 0;
    public const byte AF_INET = 2;
    public const byte AF_BRIDGE = 7;
    public const byte AF_INET6 = 10;

    // linux/if.h
    public const uint IFF_UP = 0x1;
    public const uint IFF_NOARP = 0x80;
    public const uint IFF_PROMISC = 0x100;
    public const uint IFF_ALLMULTI = 0x200;
    public const uint IFF_MULTICAST = 0x1000;
    public const uint IFF_LOWER_UP = 0x10000;

    // linux/if_link.h
    public const ushort IFLA_ADDRESS = 1;
    public const ushort IFLA_IFNAME = 3;
    public const ushort IFLA_MTU = 4;
    public const ushort IFLA_LINK = 5;
    public const ushort IFLA_MASTER = 10;
    public const ushort IFLA_TXQLEN = 13;
    public const ushort IFLA_LINKINFO = 18;
    public const ushort IFLA_IFALIAS = 20;
    public const ushort IFLA_AF_SPEC = 26;
    public const ushort IFLA_GROUP = 27;
    public const ushort IFLA_EXT_MASK = 29;
    public const ushort IFLA_LINK_NETNSID = 37;
    public const ushort IFLA_PROP_LIST = 52;
    public const ushort IFLA_ALT_IFNAME = 53;
    public const ushort IFLA_PERM_ADDRESS = 54;
    public const ushort IFLA_INFO_KIND = 1;
    public const ushort IFLA_INFO_DATA = 2;
    public const ushort IFLA_INFO_SLAVE_KIND = 4;
    public const ushort IFLA_INFO_SLAVE_DATA = 5;
    public const uint RTEXT_FILTER_BRVLAN_COMPRESSED = 0x4;
    public const uint RTEXT_FILTER_SKIP_STATS = 0x8;
    public const ushort VETH_INFO_PEER = 1;

    // linux/if_bridge.h
    public const ushort IFLA_BRIDGE_FLAGS = 0;
    public const ushort IFLA_BRIDGE_VLAN_INFO = 2;
    public const ushort BRIDGE_FLAGS_MASTER = 1;
    public const ushort BRIDGE_FLAGS_SELF = 2;

    // linux/if_addr.h
    public const ushort IFA_ADDRESS = 1;
    public const ushort IFA_LOCAL = 2;
    public const ushort IFA_LABEL = 3;
    public const ushort IFA_BROADCAST = 4;
    public const ushort IFA_CACHEINFO = 6;
    public const ushort IFA_FLAGS = 8;
    public const ushort IFA_RT_PRIORITY = 9;
    public const ushort IFA_PROTO = 11;
    public const uint IFA_F_TEMPORARY = 0x01;
    public const uint IFA_F_NODAD = 0x02;
    public const uint IFA_F_DADFAILED = 0x08;
    public const uint IFA_F_HOMEADDRESS = 0x10;
    public const uint IFA_F_TENTATIVE = 0x40;
    public const uint IFA_F_MANAGETEMPADDR = 0x100;
    public const uint IFA_F_NOPREFIXROUTE = 0x200;
    public const uint IFA_F_MCAUTOJOIN = 0x400;
    public const byte IFAPROT_KERNEL_LO = 1;
    public const byte IFAPROT_KERNEL_LL = 3;
    public const uint INFINITY_LIFE_TIME = 0xFFFFFFFF;

    // linux/rtnetlink.h: routes
    public const ushort RTA_DST = 1;
    public const ushort RTA_IIF = 3;
    public const ushort RTA_OIF = 4;
    public const ushort RTA_GATEWAY = 5;
    public const ushort RTA_PRIORITY = 6;
    public const ushort RTA_MULTIPATH = 9;
    public const ushort RTA_CACHEINFO = 12;
    public const ushort RTA_TABLE = 15;
    public const ushort RTA_VIA = 18;
    public const ushort RTA_PREF = 20;
    public const ushort RTA_ENCAP_TYPE = 21;
    public const ushort RTA_ENCAP = 22;
    public const ushort RTA_EXPIRES = 23;
    public const ushort RTA_PAD = 24;
    public const ushort RTA_NH_ID = 30;
    public const byte RTPROT_REDIRECT = 1;
    public const byte RTPROT_KERNEL = 2;
    public const byte RTN_UNICAST = 1;
    public const uint RTM_F_CLONED = 0x200;
    public const uint RTNH_F_PERVASIVE = 2;
    public const uint RTNH_F_ONLINK = 4;

    // linux/fib_rules.h
    public const ushort FRA_PRIORITY = 6;
    public const ushort FRA_PAD = 18;
    public const uint FIB_RULE_INVERT = 2;

    // linux/neighbour.h
    public const ushort NDA_DST = 1;
    public const ushort NDA_LLADDR = 2;
    public const ushort NDA_PROTOCOL = 12;
    public const ushort NUD_PERMANENT = 0x80;
    public const byte NTF_PROXY = 0x08;
    public const byte NTF_EXT_LEARNED = 0x10;
    public const byte NTF_ROUTER = 0x80;

    // linux/nexthop.h
    public const ushort NHA_ID = 1;
    public const ushort NHA_GROUP = 2;
    public const ushort NHA_GROUP_TYPE = 3;
    public const ushort NHA_BLACKHOLE = 4;
    public const ushort NHA_OIF = 5;
    public const ushort NHA_GATEWAY = 6;
    public const ushort NHA_ENCAP_TYPE = 7;
    public const ushort NHA_ENCAP = 8;
    public const ushort NHA_FDB = 11;
}
