using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>What of a host an update touches, and the checks on it that several scenarios make.</summary>
internal static class HostState
{
    // A service that was restarted has another InvocationID; columns are as wide as those of lines that are left out.
    private const string Everything =
        """
        echo "kexec_loaded $(cat /sys/kernel/kexec_loaded)"
        find /var/nvwa /var/lib/nvwa /run/systemd/generator* /run/systemd/transient /etc/systemd/system | grep -i nvwa | sort
        nft list tables
        systemctl list-units --all --plain --no-legend 'nvwa*' | grep -v '^nvwa.service ' | tr -s ' '
        systemctl list-units --type=service --state=running --plain --no-legend | cut -d' ' -f1 | grep -v '^nvwa.service' |
          xargs systemctl show -p Id,MainPID,InvocationID,FreezerState,DropInPaths
        """;

    // Each of these lines is something an update must not leave.
    private const string Leftovers =
        """
        test "$(cat /sys/kernel/kexec_loaded)" = 0 || echo "a kernel is loaded"
        nft list tables | grep nvwa
        find /run/systemd /etc/systemd -path '*nvwa*.conf'
        find /var/nvwa -name '*.img'
        test ! -e /var/lib/nvwa/journal || echo "a journal is open"
        systemctl list-units --plain --no-legend 'nvwa-lock*' 'nvwa-dump*' 'nvwa-resume*'
        systemctl list-units --failed --plain --no-legend
        true
        """;

    public static Task<string> ReadAsync(LabGuest guest) => guest.OutputOfAsync(Everything);

    /// <summary>After an update, whatever became of it: nothing of it is left but logs, and nothing failed.</summary>
    public static async Task NothingIsLeftAsync(LabGuest guest) => Assert.Equal("", await guest.OutputOfAsync(Leftovers));

    public static void Says(GuestCommandResult result, string command, int exitCode, params string[] said)
    {
        string all = result.Output + result.Error;
        Assert.True(exitCode == result.ExitCode, $"{command}: exit code {result.ExitCode}, not {exitCode}: {all}");
        foreach (string words in said)
        {
            Assert.Contains(words, all, StringComparison.Ordinal);
        }
    }

    /// <summary>One line, not a page of usage or a stack trace.</summary>
    public static void IsOneLine(GuestCommandResult result) =>
        Assert.Single((result.Output + result.Error).Split('\n', StringSplitOptions.RemoveEmptyEntries));
}
