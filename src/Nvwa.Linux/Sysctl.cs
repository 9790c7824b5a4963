using System.Globalization;

namespace Nvwa.Linux;

/// <summary>Settings of the running kernel: sysctl(8), proc_sys(5).</summary>
public static class Sysctl
{
    private const string Root = "/proc/sys/";

    /// <param name="name">As <c>kernel.panic</c>.</param>
    /// <exception cref="LinuxException">ENOENT where this kernel has no such setting.</exception>
    public static int Read(string name)
    {
        string path = PathOf(name);
        return int.TryParse(Proc.TryReadText(path), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw new LinuxException("read", path, Errno.ENOENT);
    }

    /// <exception cref="LinuxException">ENOENT; EROFS or EACCES where it is not ours to set; EINVAL out of its range.</exception>
    public static void Write(string name, int value) =>
        KernelFile.Write(PathOf(name), value.ToString(CultureInfo.InvariantCulture));

    /// <summary>A line in the kernel's log, as printk would write it: kmsg.</summary>
    /// <param name="priority">0 (emergency, on every console) to 7: syslog(3).</param>
    /// <param name="line">Without its end.</param>
    public static void Log(int priority, string line) =>
        KernelFile.Write("/dev/kmsg", string.Create(CultureInfo.InvariantCulture, $"<{priority}>{line}\n"));

    /// <summary>This process's own, which its children inherit: proc_pid_oom_score_adj(5).</summary>
    /// <param name="adjustment">-1000 to 1000.</param>
    public static void OutOfMemoryScore(int adjustment) =>
        KernelFile.Write("/proc/self/oom_score_adj", adjustment.ToString(CultureInfo.InvariantCulture));

    private static string PathOf(string name) => Root + name.Replace('.', '/');
}
