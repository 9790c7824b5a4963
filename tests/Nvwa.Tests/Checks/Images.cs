using System.Buffers.Binary;

namespace Nvwa.Tests.Checks;

/// <summary>The first bytes of kernels, by the documents of their formats (boot.rst, the PE format).</summary>
internal static class Images
{
    /// <param name="is64Bit">It has a 64-bit entry.</param>
    /// <param name="signature">The size of the certificate table.</param>
    public static byte[] X86(bool is64Bit, uint signature)
    {
        const int Pe = 0x80;
        const int Optional = Pe + 24;
        byte[] image = new byte[4096];
        "MZ"u8.CopyTo(image);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(0x3C), Pe);
        "PE\0\0"u8.CopyTo(image.AsSpan(Pe));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(Optional), 0x20B);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Optional + 108), 6);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Optional + 112 + (4 * 8) + 4), signature);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x1FE), 0xAA55);
        "HdrS"u8.CopyTo(image.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x206), 0x20F);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x236), (ushort)(is64Bit ? 1 : 0));
        return image;
    }
}
