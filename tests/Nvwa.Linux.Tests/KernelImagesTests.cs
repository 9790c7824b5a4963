namespace Nvwa.Linux.Tests;

public sealed class KernelImagesTests : IDisposable
{
    private readonly TemporaryDirectory _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_host_without_kernels_has_none() => Assert.Empty(KernelImages.List(_root.Path));

    [Theory]
    [InlineData("boot/vmlinuz-6.12.48+deb13-amd64", "boot/initrd.img-6.12.48+deb13-amd64")]
    [InlineData("boot/vmlinuz-6.12.48+deb13-amd64", "boot/initramfs-6.12.48+deb13-amd64.img")]
    [InlineData("usr/lib/modules/6.12.48+deb13-amd64/vmlinuz", "boot/initrd.img-6.12.48+deb13-amd64")]
    [InlineData("usr/lib/modules/6.12.48+deb13-amd64/vmlinuz", "boot/initramfs-6.12.48+deb13-amd64.img")]
    public void A_kernel_is_found_in_each_layout(string kernel, string initrd)
    {
        Make(kernel, initrd);

        Assert.Equal([new KernelImage("6.12.48+deb13-amd64", _root[kernel], _root[initrd])], KernelImages.List(_root.Path));
    }

    [Fact]
    public void A_kernel_without_an_initrd_is_listed_without_one()
    {
        Make("boot/vmlinuz-6.12", "boot/initrd.img-6.13", "boot/initrd.img-6.12.old", "boot/initramfs-6.12.img.tmp");

        Assert.Equal([new KernelImage("6.12", _root["boot/vmlinuz-6.12"], null)], KernelImages.List(_root.Path));
    }

    [Fact]
    public void A_kernel_in_both_places_is_listed_once_and_the_one_in_boot_is_taken()
    {
        Make("usr/lib/modules/6.12/vmlinuz", "boot/vmlinuz-6.12", "boot/initrd.img-6.12", "boot/initramfs-6.12.img");

        Assert.Equal([new KernelImage("6.12", _root["boot/vmlinuz-6.12"], _root["boot/initramfs-6.12.img"])], KernelImages.List(_root.Path));
    }

    [Fact]
    public void Files_and_directories_that_are_no_kernels_are_not_listed()
    {
        Make("boot/vmlinux-6.12", "boot/System.map-6.12", "boot/config-6.12", "boot/initrd.img-6.12", "usr/lib/modules/6.13/modules.dep");
        Directory.CreateDirectory(_root["boot/vmlinuz-6.14"]);

        Assert.Empty(KernelImages.List(_root.Path));
    }

    [Fact]
    public void Links_as_distributions_make_them_are_followed()
    {
        Make("usr/lib/modules/6.12/vmlinuz", "boot/initrd.img-6.12");
        File.CreateSymbolicLink(_root["boot/vmlinuz-6.12"], "../usr/lib/modules/6.12/vmlinuz");

        Assert.Equal([new KernelImage("6.12", _root["boot/vmlinuz-6.12"], _root["boot/initrd.img-6.12"])], KernelImages.List(_root.Path));
    }

    [Fact]
    public void Several_kernels_are_listed_by_name()
    {
        Make("boot/vmlinuz-7.0", "boot/vmlinuz-6.12", "usr/lib/modules/6.18/vmlinuz");

        Assert.Equal(["6.12", "6.18", "7.0"], KernelImages.List(_root.Path).Select(image => image.Version));
    }

    private void Make(params string[] files)
    {
        foreach (string file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_root[file])!);
            AtomicFile.Write(_root[file], "x");
        }
    }
}
