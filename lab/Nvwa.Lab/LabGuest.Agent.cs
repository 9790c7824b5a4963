using System.Globalization;
using Nvwa.Qemu;

namespace Nvwa.Lab;

public sealed partial class LabGuest
{
    private const string NetworkCondition =
        "ip -o addr show to 10.66.0.2 | grep . && ip -o addr show to fd66::2 -tentative | grep .";

    private const string BootCommand = "cat /proc/sys/kernel/random/boot_id && uname -r";

    private static readonly TimeSpan BootPoll = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan BootAnswerTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan UnpackTimeout = TimeSpan.FromMinutes(2);

    private bool _isUnpacked;

    /// <summary>Waits until the guest can be spoken to. The first time, the guest's files are then in their places.</summary>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    /// <exception cref="LabException">QEMU ended.</exception>
    public async Task WaitForAgentAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        _ = await On.WhileAliveAsync(
            async token =>
            {
                await _agent.SyncAsync(timeout, token);
                return true;
            },
            cancellationToken);
        await UnpackFilesAsync(cancellationToken);
    }

    /// <summary>
    /// Runs a line of shell in the guest as root and waits for its end; any exit code is a result. What it leaves running must
    /// not hold its output: the agent waits for that too (systemd-run does it right).
    /// </summary>
    public Task<GuestCommandResult> RunAsync(
        string commandLine, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        On.WhileAliveAsync(token => _agent.RunAsync(GuestCommand.Shell(commandLine), timeout, token), cancellationToken);

    /// <summary>Runs a line of shell in the guest that must succeed, and returns its standard output.</summary>
    /// <exception cref="LabException">Its exit code is not zero.</exception>
    public async Task<string> OutputOfAsync(
        string commandLine, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        GuestCommandResult result = await RunAsync(commandLine, timeout ?? CommandTimeout, cancellationToken);
        return result.ExitCode == 0
            ? result.Output
            : throw new LabException(
                $"{Name}: \"{commandLine}\": exit code {result.ExitCode}: {result.Error.Trim()} {result.Output.Trim()}");
    }

    /// <summary>Copies a file into the guest, about half a megabyte a second: large ones belong into the options.</summary>
    public async Task PutFileAsync(
        string localPath, string guestPath, UnixFileMode mode = LabFile.Readable, CancellationToken cancellationToken = default)
    {
        await using FileStream source = File.OpenRead(localPath);
        await PutFileAsync(source, guestPath, mode, cancellationToken);
    }

    /// <summary>Writes a file in the guest.</summary>
    public async Task PutFileAsync(
        Stream content, string guestPath, UnixFileMode mode = LabFile.Readable, CancellationToken cancellationToken = default)
    {
        await _agent.UploadAsync(content, guestPath, cancellationToken);
        string octal = Convert.ToString((int)mode, toBase: 8);
        _ = await OutputOfAsync($"chmod {octal} {Quoted(guestPath)}", cancellationToken: cancellationToken);
    }

    /// <summary>Copies a file out of the guest.</summary>
    public async Task GetFileAsync(string guestPath, string localPath, CancellationToken cancellationToken = default)
    {
        await using FileStream target = File.Create(localPath);
        await _agent.DownloadAsync(guestPath, target, cancellationToken);
    }

    /// <summary>Waits until a line of shell succeeds in the guest; it is tried again and again, there.</summary>
    /// <exception cref="TimeoutException">It did not in time.</exception>
    public async Task WaitUntilAsync(string condition, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _ = await OutputOfAsync($"until {{ {condition}; }} >/dev/null 2>&1; do sleep 0.2; done", timeout, cancellationToken);

    /// <summary>Waits until the guest has its addresses, which is later than its agent.</summary>
    /// <exception cref="TimeoutException">It had not in time.</exception>
    public Task WaitForNetworkAsync(TimeSpan timeout, CancellationToken cancellationToken = default) =>
        WaitUntilAsync(NetworkCondition, timeout, cancellationToken);

    public async Task<string> KernelReleaseAsync(CancellationToken cancellationToken = default) =>
        (await BootAsync(cancellationToken)).Release;

    /// <summary>Which boot of which kernel this is.</summary>
    public Task<GuestBoot> BootAsync(CancellationToken cancellationToken = default) => BootAsync(CommandTimeout, cancellationToken);

    private async Task<GuestBoot> BootAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        ReadBoot(await OutputOfAsync(BootCommand, timeout, cancellationToken));

    /// <summary>Waits, through a kexec, until the guest answers from under this kernel.</summary>
    /// <exception cref="TimeoutException">It did not in time.</exception>
    public Task<GuestBoot> WaitForKernelAsync(
        string release, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        WaitForBootAsync(boot => boot.Release == release, $"kernel {release}", timeout, cancellationToken);

    /// <summary>Waits until the guest answers from another boot than this one, of whatever kernel.</summary>
    /// <exception cref="TimeoutException">It did not in time.</exception>
    public Task<GuestBoot> WaitForBootAfterAsync(
        GuestBoot before, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        WaitForBootAsync(boot => boot.Id != before.Id, "another boot", timeout, cancellationToken);

    private static GuestBoot ReadBoot(string output) =>
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries) is [string id, string release]
            ? new GuestBoot(id, release)
            : throw new LabException($"the guest does not say its boot: {output}");

    private static string Quoted(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private async Task<GuestBoot> WaitForBootAsync(
        Func<GuestBoot, bool> wanted, string what, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        GuestBoot? last = null;
        try
        {
            while (true)
            {
                last = await TryBootAsync(deadline.Token) ?? last;
                if (last is not null && wanted(last))
                {
                    return last;
                }

                await Task.Delay(BootPoll, TimeProvider.System, deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            string seen = last is null ? "nothing answered" : $"the last answer came from {last.Release}";
            throw new TimeoutException(
                string.Create(CultureInfo.InvariantCulture, $"{Name}: no {what} within {timeout.TotalSeconds:0} s; {seen}"));
        }
    }

    // Between two kernels there is nobody to ask, and a question may be lost with the old one.
    private async Task<GuestBoot?> TryBootAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await BootAsync(BootAnswerTimeout, cancellationToken);
        }
        catch (Exception e) when (IsOn && e is TimeoutException or QmpException or QmpTransportException)
        {
            return null;
        }
    }

    private async Task UnpackFilesAsync(CancellationToken cancellationToken)
    {
        if (!_isUnpacked && _options.Files.Count > 0)
        {
            _ = await OutputOfAsync($"tar -xf {QemuArguments.FilesDevice} -C /", UnpackTimeout, cancellationToken);
        }

        _isUnpacked = true;
    }
}
