using System.Text;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

namespace Nvwa.Lab.Machines;

/// <summary>
/// QEMUs of the lab's machines, whoever started them: an update starts some of its own, from the arguments of those that it
/// found. They are recognised by their QMP socket, which lies in the machine's directory.
/// </summary>
internal static class MachineProcesses
{
    private const string SocketPrefix = "unix:";

    private static readonly TimeSpan KillTimeout = TimeSpan.FromSeconds(30);

    /// <param name="isWanted">Is given the name of a machine's directory.</param>
    public static IReadOnlyList<int> Find(Func<string, bool> isWanted) =>
        [.. ProcFs.Pids().Where(pid => MachineOf(pid) is { } machine && isWanted(machine))];

    public static async Task KillAsync(Func<string, bool> isWanted)
    {
        foreach (int pid in Find(isWanted))
        {
            using SafeFileHandle? process = Pidfd.Open(pid);
            // Asked again: by now the number may be another's.
            if (process is not null && MachineOf(pid) is { } machine && isWanted(machine))
            {
                _ = Pidfd.Kill(process);
                await Pidfd.WaitAsync(process, CancellationToken.None).WaitAsync(KillTimeout);
            }
        }
    }

    private static string? MachineOf(int pid)
    {
        string[] arguments = Arguments(pid);
        int option = Array.IndexOf(arguments, "-qmp");
        return option >= 0 && option + 1 < arguments.Length
            && arguments[option + 1].StartsWith(SocketPrefix, StringComparison.Ordinal)
            ? Path.GetFileName(Path.GetDirectoryName(arguments[option + 1][SocketPrefix.Length..].Split(',')[0]))
            : null;
    }

    private static string[] Arguments(int pid)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{pid}/cmdline")).Split('\0');
        }
        catch (IOException)
        {
            // It has ended.
            return [];
        }
    }
}
