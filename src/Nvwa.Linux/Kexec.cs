using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>Loading and entering another kernel: kexec_file_load(2), reboot(2). Needs CAP_SYS_BOOT.</summary>
public static class Kexec
{
    /// <summary>A kernel is loaded, by whomever, and <see cref="Execute"/> would enter it.</summary>
    public static bool IsLoaded => Proc.TryReadText("/sys/kernel/kexec_loaded") == "1";

    /// <summary>Loading was switched off until the next boot (sysctl kernel.kexec_load_disabled).</summary>
    public static bool IsDisabled => Proc.TryReadText("/proc/sys/kernel/kexec_load_disabled") == "1";

    /// <summary>The running kernel was built with kexec_file_load(2).</summary>
    public static bool HasFileLoad => Libc.HasKexecFileLoad();

    /// <summary>Loads a kernel in place of one that may be loaded already.</summary>
    /// <param name="kernelPath">A bzImage on x86-64, an Image or, if the running kernel knows it, a zboot
    /// one on arm64.</param>
    /// <param name="initrdPath">Null for none.</param>
    /// <param name="commandLine">All of the new kernel's command line.</param>
    /// <exception cref="LinuxException">
    /// ENOENT for a file that is not there. From the kernel: EPERM switched off or no CAP_SYS_BOOT, also lockdown;
    /// ENOEXEC not a kernel for this machine; EKEYREJECTED, ENOKEY, EBADMSG, ENODATA its signature is bad, unknown,
    /// malformed, missing; EADDRNOTAVAIL, ENOMEM no memory for it; EINVAL the command line is too long; EBUSY another
    /// load is under way; ENOSYS not built in.
    /// </exception>
    public static void Load(string kernelPath, string? initrdPath, string commandLine)
    {
        using SafeFileHandle kernel = Libc.Open(kernelPath, Libc.O_RDONLY);
        using SafeFileHandle? initrd = initrdPath is null ? null : Libc.Open(initrdPath, Libc.O_RDONLY);
        Libc.LoadKernel(kernel, initrd, commandLine, kernelPath);
    }

    /// <summary>Forgets the loaded kernel; that none is loaded is no error.</summary>
    public static void Unload() => Libc.UnloadKernel();

    /// <summary>
    /// Enters the loaded kernel at once: nothing is stopped, synced or unmounted any more. Returns only by throwing.
    /// </summary>
    /// <exception cref="LinuxException">EINVAL if no kernel is loaded, EPERM without CAP_SYS_BOOT.</exception>
    public static void Execute() => Libc.EnterLoadedKernel();
}
