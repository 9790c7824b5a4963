using System.Formats.Tar;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Nvwa.Lab.Hosts;

/// <summary>The .NET that runs this very program, for guests: their distribution has none.</summary>
public static class DotnetRuntime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Unpacks the runtime, and a program of the lab with it, into a directory of the guest. It goes over the guest's network.</summary>
    /// <param name="guest">It has its addresses.</param>
    /// <param name="program">The name of its assembly, which lies beside this one.</param>
    /// <param name="directory">What is started is <c>DIRECTORY/dotnet DIRECTORY/PROGRAM.dll</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task InstallAsync(LabGuest guest, string program, string directory, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(guest);
        using Socket listener = await guest.Network.CreateSocketAsync(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(LabNetwork.OutsideAddress, 0));
        listener.Listen();
        string unpack = string.Create(
            CultureInfo.InvariantCulture,
            $"mkdir -p {directory} && bash -c 'tar -x -C {directory} </dev/tcp/{LabNetwork.OutsideAddress}/{((IPEndPoint)listener.LocalEndPoint!).Port}'");
        Task<string> unpacked = guest.OutputOfAsync(unpack, Patience, cancellationToken);
        await SendAsync(listener, program, cancellationToken).WaitAsync(Patience, cancellationToken);
        _ = await unpacked;
    }

    private static async Task SendAsync(Socket listener, string program, CancellationToken cancellationToken)
    {
        using Socket connection = await listener.AcceptAsync(cancellationToken);
        await using var stream = new NetworkStream(connection);
        await using var tar = new TarWriter(stream);
        string runtime = Path.TrimEndingDirectorySeparator(RuntimeEnvironment.GetRuntimeDirectory());
        string root = Path.GetFullPath(Path.Combine(runtime, "..", "..", ".."));
        IEnumerable<string> files =
        [
            Path.Combine(root, "dotnet"),
            .. Directory.EnumerateFiles(Path.Combine(root, "host"), "*", SearchOption.AllDirectories),
            .. Directory.EnumerateFiles(runtime),
        ];
        foreach (string file in files)
        {
            await tar.WriteEntryAsync(file, Path.GetRelativePath(root, file), cancellationToken);
        }

        foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory, $"{program}.*"))
        {
            await tar.WriteEntryAsync(file, Path.GetFileName(file), cancellationToken);
        }
    }
}
