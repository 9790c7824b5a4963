using System.Runtime.Versioning;

namespace Nvwa.Linux.Tests;

/// <summary>The lab shows that the managers go on with these files.</summary>
[SupportedOSPlatform("linux")]
public sealed class ManagerFilesTests
{
    private const string Interfaces =
        """
        auto lo
        iface lo inet loopback
        auto eth0
        iface eth0 inet static
            address 192.0.2.1/24
        iface eth0 inet6 static
            address 2001:db8::1/64
        iface home inet dhcp
        iface mixed inet dhcp
        iface mixed inet6 static
        iface wireless inet static
            address 198.51.100.1/24
            wpa-ssid home
        iface br0 inet static
            address 203.0.113.1/24
            up ip route add 10.0.0.0/8 via 203.0.113.2
        source interfaces.d/*.cfg
        source-directory more.d

        """;

    private static readonly Dictionary<int, string> Links = new() { [1] = "lo", [2] = "eth0", [3] = "eth1", [4] = "br0" };

    [Fact]
    public void NetworkManager_finds_the_profile_of_each_link_under_its_new_index()
    {
        using TemporaryDirectory root = new();
        Put(root, "run/NetworkManager/devices/2", "# Generated\n[device]\nmanaged=true\nconnection-uuid=a-b-c\n\n[dhcp4]\ndhcp_server_name=x\n");
        Put(root, "run/NetworkManager/devices/3", "[device]\nmanaged=false\n");
        Put(root, "run/NetworkManager/devices/4", "[device]\nmanaged=true\nconnection-uuid=d-e-f\nnm-owned=true\n");
        Put(root, "run/NetworkManager/devices/99", "[device]\nmanaged=true\n");
        Put(root, "run/NetworkManager/system-connections/Wired connection 1.nmconnection", "[connection]\n");
        using TemporaryDirectory next = new();
        Put(next, "sys/class/net/eth0/ifindex", "7\n");
        Put(next, "sys/class/net/br0/ifindex", "2\n");

        IReadOnlyList<string> notes = new ManagerFiles(next.Path).Write(new ManagerFiles(root.Path).Read(Links));

        Assert.Contains("eth1", Assert.Single(notes), StringComparison.Ordinal);

        Assert.Equal("[device]\nmanaged=true\nconnection-uuid=a-b-c\n", File.ReadAllText(next["run/NetworkManager/devices/7"]));
        Assert.Contains("nm-owned=true", File.ReadAllText(next["run/NetworkManager/devices/2"]), StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(next["run/NetworkManager/devices"]).Length);
        string profile = next["run/NetworkManager/system-connections/Wired connection 1.nmconnection"];
        Assert.Equal("[connection]\n", File.ReadAllText(profile));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(profile));
    }

    [Fact]
    public void Ifupdown_skips_what_it_has_configured_unless_a_client_has_to_run()
    {
        using TemporaryDirectory root = new();
        Put(root, "etc/network/interfaces", Interfaces);
        Put(root, "etc/network/interfaces.d/eth3.cfg", "iface eth3 inet manual\n");
        Put(root, "etc/network/interfaces.d/eth0", "iface eth0 inet dhcp\n");
        Put(root, "etc/network/more.d/eth0~", "iface eth0 inet dhcp\n");
        Put(root, "etc/network/more.d/eth6", "iface eth6 inet static\n");
        (string Link, string Name)[] configured =
        [
            ("lo", "lo"), ("eth0", "eth0"), ("eth1", "home"), ("eth2", "mixed"), ("eth3", "eth3"), ("eth4", "unknown"), ("eth5", "wireless"), ("eth6", "eth6"), ("br0", "br0"), ("wg0", "eth0"),
        ];
        foreach ((string link, string name) in configured)
        {
            Put(root, $"run/network/ifstate.{link}", $"{name}\n");
        }

        Put(root, "run/network/ifstate", "lo=lo\neth0=eth0\neth1=home\n");
        using TemporaryDirectory next = new();

        var links = configured.Where(each => each.Link != "wg0").Select((each, index) => (each.Link, index)).ToDictionary(each => each.index, each => each.Link);
        Assert.Empty(new ManagerFiles(next.Path).Write(new ManagerFiles(root.Path).Read(links)));

        Assert.Equal("br0=br0\neth0=eth0\neth3=eth3\neth6=eth6\nlo=lo\n", File.ReadAllText(next["run/network/ifstate"]));
        Assert.Equal(
            ["ifstate", "ifstate.br0", "ifstate.eth0", "ifstate.eth3", "ifstate.eth6", "ifstate.lo"],
            Directory.GetFiles(next["run/network"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_cannot_be_written_is_told_and_fails_nothing()
    {
        using TemporaryDirectory root = new();
        Directory.CreateDirectory(root["run/network/ifstate"]);

        IReadOnlyList<string> notes = new ManagerFiles(root.Path).Write([new ManagerFile(ManagerFileKind.Ifupdown, "eth0", "eth0\n")]);

        Assert.StartsWith("ifupdown will not find what it knew of eth0: ", Assert.Single(notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_no_manager_runs_nothing_is_written()
    {
        using TemporaryDirectory root = new();
        using TemporaryDirectory next = new();

        Assert.Empty(new ManagerFiles(next.Path).Write(new ManagerFiles(root.Path).Read(Links)));

        Assert.Empty(Directory.GetFileSystemEntries(next.Path));
    }

    [Fact]
    public void Bridges_of_libvirt_are_its_own()
    {
        using TemporaryDirectory root = new();
        Put(root, "run/libvirt/network/default.xml", "<networkstatus><class_id bitmap='0-2'/><network><name>default</name><forward mode='nat'/><bridge name='virbr0' stp='on' delay='0'/></network></networkstatus>");
        Put(root, "run/libvirt/network/host.xml", "<networkstatus><network><name>host</name><forward mode='bridge'/><bridge name='br0'/></network></networkstatus>");
        Put(root, "run/libvirt/network/alone.xml", "<networkstatus><network><name>alone</name><bridge name='virbr1'/></network></networkstatus>");
        Put(root, "run/libvirt/network/half.xml", "<networkstatus><network>");
        Put(root, "run/libvirt/network/autostarted", "");

        Assert.Equal(["virbr0", "virbr1"], LibvirtNetworks.Bridges(root.Path).Order(StringComparer.Ordinal));
        Assert.Empty(LibvirtNetworks.Bridges(root["run"]));
    }

    private static void Put(TemporaryDirectory root, string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(root[path])!);
        File.WriteAllText(root[path], content);
    }
}
