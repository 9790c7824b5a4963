namespace Nvwa.Linux.Tests;

/// <summary>What it is told stands in places that systemd.network(5) and networkd.conf(5) name; the lab shows that it listens.</summary>
public sealed class NetworkdTests
{
    [Fact]
    public void Each_of_its_files_is_told_to_keep_what_is_there_and_nothing_is_left_of_that()
    {
        using TemporaryDirectory root = new();
        string[] files = ["etc/systemd/network/10-lan.network", "run/systemd/network/10-netplan-eth0.network", "usr/lib/systemd/network/80-wifi.network", "etc/systemd/network/10-lan.link"];
        foreach (string file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(root[file])!);
            File.WriteAllText(root[file], "");
        }

        var networkd = new Networkd(root.Path);
        string[] before = All(root.Path);
        networkd.KeepForeign();

        Assert.Equal(
            [
                "run/systemd/network/10-lan.network.d/50-nvwa.conf", "run/systemd/network/10-netplan-eth0.network.d/50-nvwa.conf",
                "run/systemd/network/80-wifi.network.d/50-nvwa.conf", "run/systemd/networkd.conf.d/50-nvwa.conf",
            ],
            All(root.Path).Except(before));
        Assert.Equal("[Network]\nKeepConfiguration=yes\n", File.ReadAllText(root["run/systemd/network/10-lan.network.d/50-nvwa.conf"]));

        networkd.ForgetForeign();
        networkd.ForgetForeign();

        Assert.Equal(before, All(root.Path));
        Assert.False(Directory.Exists(root["run/systemd/networkd.conf.d"]));
    }

    private static string[] All(string root) =>
        [.. Directory.GetFiles(root, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(root, file)).Order(StringComparer.Ordinal)];
}
