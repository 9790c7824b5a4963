using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Nvwa.Linux.Tests;

/// <summary>
/// A shell script, in a mount namespace of its own, that holds a daemon and ends it when the script's input ends: so the
/// daemon cannot outlive the test host, whatever happens to that. The script's arguments are a new directory, then those
/// given; the daemon's notification socket is <c>notify</c> in that directory.
/// </summary>
internal sealed class SystemdHolder : IDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly Process _script = new();
    private readonly StringBuilder _log = new();

    public string Root { get; } = Directory.CreateTempSubdirectory("nvwa-systemd-").FullName;

    /// <summary>Returns when the daemon has said that it is ready.</summary>
    public async Task StartAsync(string script, params string[] arguments)
    {
        using Socket notify = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notify.Bind(new UnixDomainSocketEndPoint($"{Root}/notify"));
        Start(["-m", "sh", "-e", "-c", script, "sh", Root, .. arguments]);
        using CancellationTokenSource deadline = new(StartTimeout);
        try
        {
            await ReceiveReadyAsync(notify, deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException($"It did not become ready (root is needed):\n{Log()}");
        }
    }

    public async Task StopAsync()
    {
        _script.StandardInput.Close();
        await _script.WaitForExitAsync();
        Directory.Delete(Root, recursive: true);
    }

    public void Dispose() => _script.Dispose();

    private void Start(IEnumerable<string> arguments)
    {
        _script.StartInfo = new ProcessStartInfo("unshare", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _script.OutputDataReceived += Keep;
        _script.ErrorDataReceived += Keep;
        _script.Start();
        _script.BeginOutputReadLine();
        _script.BeginErrorReadLine();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
        {
            _log.AppendLine(line.Data);
        }
    }

    private string Log()
    {
        lock (_log)
        {
            return _log.ToString();
        }
    }

    private static async Task ReceiveReadyAsync(Socket socket, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[4096];
        string text;
        do
        {
            int count = await socket.ReceiveAsync(buffer, cancellationToken);
            text = Encoding.UTF8.GetString(buffer, 0, count);
        }
        while (!text.Split('\n').Contains("READY=1"));
    }
}
