namespace Nvwa.Linux.Tests;

/// <summary>The host's own nft(8) and iptables(8), in network namespaces of the test's own.</summary>
public sealed class FirewallTests
{
    [Fact]
    public async Task Rules_of_iptables_come_back_by_its_own_tools()
    {
        FirewallRules? rules = null;
        await NetworkNamespace.RunAsync(() =>
        {
            MakeRules();
            rules = Firewall.Read(CancellationToken.None);
            Firewall.Check(rules, [], CancellationToken.None);
        });
        Assert.Equal(Firewall.Tools, rules!.Xtables.Select(each => each.Tool));
        Assert.DoesNotContain("table ip filter", rules.Nftables, StringComparison.Ordinal);
        Assert.Contains("table ip mine", rules.Nftables, StringComparison.Ordinal);
        await NetworkNamespace.RunAsync(() =>
        {
            FirewallRules nothing = Firewall.Read(CancellationToken.None);

            Firewall.Replace(rules, nothing, CancellationToken.None);

            Assert.True(Firewall.AreSame(rules, Firewall.Read(CancellationToken.None)));

            // What iptables wrote it can read and change.
            NetworkNamespace.Run("iptables-nft", "-A", "KEPT", "-j", "DROP");
            Assert.DoesNotContain("incompatible", NetworkNamespace.Run("iptables-nft-save"), StringComparison.Ordinal);
        });
    }

    [Fact]
    public Task What_is_there_goes_and_comes_back() => NetworkNamespace.RunAsync(() =>
    {
        MakeRules();
        FirewallRules before = Firewall.Read(CancellationToken.None);
        FirewallRules other = new("table inet other {\n\tchain c {\n\t}\n}\n", []);

        Firewall.Replace(other, before, CancellationToken.None);

        Assert.Equal(other.Nftables, NetworkNamespace.Run("nft", "-s", "list", "ruleset"));
        Assert.DoesNotContain("-A ", NetworkNamespace.Run("iptables-legacy-save"), StringComparison.Ordinal);
        Firewall.Replace(before, other, CancellationToken.None);
        Assert.True(Firewall.AreSame(before, Firewall.Read(CancellationToken.None)));
    });

    [Fact]
    public async Task A_tool_that_refuses_leaves_everything_as_it_was()
    {
        NetworkConfiguration? read = null;
        await NetworkNamespace.RunWithLoopbackAsync(() =>
        {
            MakeRules();
            read = NetworkConfiguration.ReadAsync(TimeProvider.System, CancellationToken.None).GetAwaiter().GetResult();
        });
        FirewallRules rules = read!.Snapshot.Firewall;
        NetworkSnapshot broken = read.Snapshot with
        {
            Firewall = rules with { Xtables = [.. rules.Xtables.SkipLast(1), rules.Xtables[^1] with { Rules = "*filter\n-A NOWHERE -j ACCEPT\nCOMMIT\n" }] },
        };
        await NetworkNamespace.RunWithLoopbackAsync(() =>
        {
            NetworkNamespace.Run("iptables-nft", "-A", "INPUT", "-j", "ACCEPT");
            NetworkNamespace.Run("nft", "add", "table", "inet", "before");
            FirewallRules before = Firewall.Read(CancellationToken.None);

            LinuxException refusal = Assert.Throws<LinuxException>(() => new NetworkConfiguration(broken)
                .ApplyAsync(TimeSpan.Zero, TimeProvider.System, CancellationToken.None).GetAwaiter().GetResult());

            Assert.Equal("ip6tables-legacy-restore", refusal.Operation);
            FirewallRules after = Firewall.Read(CancellationToken.None);
            Assert.Equal(before.Nftables, after.Nftables);
            Assert.Equal(before.Xtables, after.Xtables.Where(each => each.Rules.Contains("-A ", StringComparison.Ordinal)));
        });
    }

    [Fact]
    public Task A_list_that_nft_does_not_read_again_is_refused_while_there_is_time() => NetworkNamespace.RunAsync(() =>
    {
        LinuxException refusal = Assert.Throws<LinuxException>(() =>
            Firewall.Check(new FirewallRules("table inet x {\n\tchain c {\n\t\txt match \"foo\"\n\t}\n}\n", []), [], CancellationToken.None));

        Assert.Equal("nft", refusal.Operation);
        Assert.Equal("-c -f -", refusal.Subject);
        Assert.NotEmpty(refusal.Detail!);
    });

    [Theory]
    [InlineData("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m set --match-set bad src -j DROP\nCOMMIT\n", "", "iptables-nft", "bad of ipset")]
    [InlineData("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j SET --add-set seen src\nCOMMIT\n", "", "iptables-nft", "seen of ipset")]
    [InlineData("", "table netdev x {\n\tchain c {\n\t\ttype filter hook ingress device \"tun0\" priority filter; policy accept;\n\t}\n}\n", "link tun0", "a program makes")]
    [InlineData("", "table inet x {\n\tflowtable f {\n\t\thook ingress priority filter\n\t\tdevices = { eth0, tun0 }\n\t}\n}\n", "link tun0", "a program makes")]
    [InlineData("", "table ip x {\n\tchain c {\n\t\toif \"tun0\" masquerade comment \"out\"\n\t}\n}\n", "link tun0", "oifname")]
    public void Rules_that_need_what_is_not_kept_are_refused_while_there_is_time(string xtables, string nftables, params string[] words)
    {
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() =>
            Firewall.Check(new FirewallRules(nftables, [new XtablesRules("iptables-nft", xtables)]), ["tun0"], CancellationToken.None));

        Assert.All(words, word => Assert.Contains(word, refusal.Message, StringComparison.Ordinal));
    }

    [Fact]
    public Task Rules_that_only_name_a_link_of_a_program_need_it_not() => NetworkNamespace.RunAsync(() => Firewall.Check(
        new FirewallRules(
            "table inet x {\n\tchain c {\n\t\tiifname \"tun0\" accept comment \"vpn device tun0 in use\"\n\t\tiifname \"lo\" accept comment \"not iif tun0\"\n\t}\n}\n",
            [new XtablesRules("iptables-nft", "*filter\n-A INPUT -m comment --comment \"no --match-set here\" -j ACCEPT\nCOMMIT\n")]),
        ["tun0"],
        CancellationToken.None));

    [Fact]
    public void A_list_is_taken_apart_into_tables()
    {
        List<NftTable> tables = NftTable.Split(
            "# Warning: table ip filter is managed by iptables-nft, do not touch!\n"
            + "table ip filter {\n\tchain INPUT {\n\t\ttcp dport 1 accept comment \"table x { flags owner\"\n\t}\n}\n"
            + "table inet held { # progname nvwa\n\tflags owner\n\n\tset s {\n\t\ttype ipv4_addr\n\t}\n}\n"
            + "table inet kept {\n\tflags owner,persist\n}\n"
            + "table inet free {\n\tset s {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}\n}\n");

        Assert.Equal(["filter", "held", "kept", "free"], tables.Select(table => table.Name));
        Assert.Equal([false, true, true, false], tables.Select(table => table.IsOwned));
        Assert.Equal(["ip", "inet", "inet", "inet"], tables.Select(table => table.Family));
        Assert.Throws<InvalidDataException>(() => NftTable.Split("chain x {\n}\n"));
        Assert.Throws<InvalidDataException>(() => NftTable.Split("table inet x {\n"));
    }

    [Fact]
    public Task A_table_of_nfts_own_is_kept_whole_although_iptables_takes_it_for_its() => NetworkNamespace.RunAsync(() =>
    {
        NetworkNamespace.Run("nft", "add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }; add rule ip nat out masquerade");
        NetworkNamespace.Run("nft", "add table ip filter; add chain ip filter INPUT { type filter hook input priority 0; }; add rule ip filter INPUT ip saddr { 192.0.2.1, 192.0.2.2 } accept");

        FirewallRules rules = Firewall.Read(CancellationToken.None);

        Assert.Equal(NetworkNamespace.Run("nft", "-s", "list", "ruleset"), rules.Nftables);
        Assert.Empty(rules.Xtables);
    });

    [Fact]
    public void A_table_is_iptables_own_if_it_has_all_chains_and_rules_of_it()
    {
        XtablesTable table = XtablesTable.Split("# x\n*filter\n:INPUT ACCEPT [1:2]\n:FORWARD DROP [0:0]\n:MINE - [0:0]\n-A INPUT -j MINE\nCOMMIT\n# y\n").Single();
        const string Chain = "\tchain INPUT {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tcounter jump MINE\n";

        Assert.True(Listed($"{Chain}\t}}\n").IsKeptBy(table));
        Assert.False(Listed($"{Chain}\t\ttcp dport 1 accept\n\t}}\n").IsKeptBy(table));
        Assert.False(Listed($"{Chain}\t}}\n\tchain other {{\n\t}}\n").IsKeptBy(table));
        Assert.False(Listed($"\tset s {{\n\t\ttype ipv4_addr\n\t}}\n{Chain}\t}}\n").IsKeptBy(table));
        Assert.Equal("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\nCOMMIT\n", table.Emptied());

        static NftTable Listed(string content) => NftTable.Split($"table ip filter {{\n{content}}}\n").Single();
    }

    private static void MakeRules()
    {
        NetworkNamespace.Run("iptables-nft", "-N", "KEPT");
        NetworkNamespace.Run("iptables-nft", "-P", "FORWARD", "DROP");
        NetworkNamespace.Run("iptables-nft", "-A", "INPUT", "-p", "tcp", "--dport", "22", "-m", "addrtype", "--dst-type", "LOCAL", "-m", "comment", "--comment", "a b", "-j", "KEPT");
        NetworkNamespace.Run("iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-s", "10.0.0.0/8", "-j", "MASQUERADE");
        NetworkNamespace.Run("ip6tables-nft", "-A", "INPUT", "-p", "icmpv6", "-j", "ACCEPT");
        NetworkNamespace.Run("iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "80", "-m", "conntrack", "--ctstate", "NEW", "-j", "ACCEPT");
        NetworkNamespace.Run("ip6tables-legacy", "-A", "OUTPUT", "-j", "ACCEPT");
        NetworkNamespace.Run("nft", "add", "table", "ip", "mine");
    }
}
