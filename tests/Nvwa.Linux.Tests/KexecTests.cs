namespace Nvwa.Linux.Tests;

/// <summary>Entering a kernel is the lab's matter; here only what leaves this machine running.</summary>
public sealed class KexecTests
{
    [Fact]
    public void A_kernel_that_is_not_there_is_named()
    {
        LinuxException exception = Assert.Throws<LinuxException>(() => Kexec.Load("/no/kernel", null, ""));

        Assert.Equal("open /no/kernel: No such file or directory (ENOENT)", exception.Message);
    }

    [Fact]
    public void A_file_that_is_no_kernel_is_refused_with_the_kernels_reason()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory["vmlinuz"], "not a kernel");
        bool wasLoaded = Kexec.IsLoaded;

        LinuxException exception = Assert.Throws<LinuxException>(
            () => Kexec.Load(directory["vmlinuz"], directory["vmlinuz"], "quiet"));

        Assert.Equal("kexec_file_load", exception.Operation);
        Assert.Contains(
            exception.Errno,
            Kexec.HasFileLoad ? [Errno.ENOEXEC, Errno.EPERM, Errno.EINVAL] : new[] { Errno.ENOSYS });
        Assert.Equal(wasLoaded, Kexec.IsLoaded);
    }
}
