using System.Runtime.InteropServices;
using System.Text;

namespace Nvwa.Linux;

/// <summary>kexec_file_load(2) and reboot(2).</summary>
internal static partial class Libc
{
    private const long KEXEC_FILE_UNLOAD = 1;
    private const long KEXEC_FILE_NO_INITRAMFS = 4;
    private const long KEXEC_FILE_NoSuchFlag = 1L << 31;
    private const uint LINUX_REBOOT_CMD_KEXEC = 0x45584543;

    private static readonly long SYS_kexec_file_load =
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 294 : 320;

    public static void LoadKernel(SafeHandle kernel, SafeHandle? initrd, string commandLine, string subject)
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(commandLine), 0];
        long result = initrd is null
            ? kexec_file_load(SYS_kexec_file_load, kernel, -1, text.Length, text, KEXEC_FILE_NO_INITRAMFS)
            : kexec_file_load(SYS_kexec_file_load, kernel, initrd, text.Length, text, 0);
        Check(result, "kexec_file_load", subject);
    }

    public static void UnloadKernel() =>
        Check(kexec_file_load(SYS_kexec_file_load, -1, -1, 0, 0, KEXEC_FILE_UNLOAD), "kexec_file_load", "(unload)");

    /// <summary>
    /// Asks for a flag that does not exist: a kernel that has the call refuses it, with EINVAL or EPERM.
    /// </summary>
    public static bool HasKexecFileLoad()
    {
        long result = kexec_file_load(SYS_kexec_file_load, -1, -1, 0, 0, KEXEC_FILE_NoSuchFlag);
        return result == -1 && Marshal.GetLastPInvokeError() != Errno.ENOSYS;
    }

    public static void EnterLoadedKernel() => Check(reboot(unchecked((int)LINUX_REBOOT_CMD_KEXEC)), "reboot", "(kexec)");

    [LibraryImport(Library, SetLastError = true, EntryPoint = "syscall")]
    private static partial long kexec_file_load(
        long number, SafeHandle kernel, SafeHandle initrd, long length, byte[] commandLine, long flags);

    [LibraryImport(Library, SetLastError = true, EntryPoint = "syscall")]
    private static partial long kexec_file_load(
        long number, SafeHandle kernel, long initrd, long length, byte[] commandLine, long flags);

    [LibraryImport(Library, SetLastError = true, EntryPoint = "syscall")]
    private static partial long kexec_file_load(
        long number, long kernel, long initrd, long length, nint commandLine, long flags);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int reboot(int command);
}
