using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>The initrd is an archive that a kernel can unpack, as far as its first bytes tell.</summary>
internal sealed class InitrdCheck : IHostCheck
{
    /// <summary>initramfs: cpio (newc, with checksums), then what the kernel can unpack (lib/decompress.c).</summary>
    private static readonly byte[][] Magics =
    [
        [.. "070701"u8], [.. "070702"u8], [0x1F, 0x8B], [0x1F, 0x9E], [0x28, 0xB5, 0x2F, 0xFD], [0xFD, .. "7zXZ"u8], [.. "BZh"u8], [0x5D, 0, 0],
        [0x89, .. "LZO"u8], [0x02, 0x21, 0x4C, 0x18],
    ];

    public string Name => "initrd";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        if (host.Target is not { Initrd: { } initrd, Version: { } version })
        {
            yield break;
        }

        string remedy = $"make it anew, as with update-initramfs -u -k {version}";
        byte[] start = new byte[Magics.Max(magic => magic.Length)];
        using FileStream file = File.OpenRead(initrd);
        int length = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        yield return length == 0 ? CheckResult.Refuse(Name, initrd, "is empty", remedy)
            : Magics.Any(magic => start.AsSpan(0, length).StartsWith(magic)) ? CheckResult.Pass(Name, initrd, $"{file.Length >> 20} MiB")
            : CheckResult.Refuse(Name, initrd, "does not begin like an initrd (cpio, or compressed)", remedy);
    }
}
