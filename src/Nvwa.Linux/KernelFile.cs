using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>Files by which kernel file systems (proc, sysfs, cgroup2) are told something.</summary>
public static class KernelFile
{
    /// <summary>In one write(2), which is how they take it.</summary>
    /// <exception cref="LinuxException">The kernel does not take it.</exception>
    public static void Write(string path, string text)
    {
        using SafeFileHandle file = Libc.Open(path, Libc.O_WRONLY);
        Libc.WriteAll(file, Encoding.UTF8.GetBytes(text), path);
    }
}
