using System.Buffers.Binary;

namespace Nvwa.Linux.Tests;

public sealed class KernelHeaderTests
{
    private const int Pe = 0x80;

    [Theory]
    [InlineData(0x20F, 1, KernelMachine.X64)]
    [InlineData(0x20F, 0, KernelMachine.X86)]
    [InlineData(0x20B, 1, KernelMachine.X86)]
    public void A_bzImage_tells_whether_it_has_a_64_bit_entry(int version, int flags, KernelMachine machine)
    {
        byte[] image = new byte[1024];
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x1FE), 0xAA55);
        "HdrS"u8.CopyTo(image.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x206), (ushort)version);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x236), (ushort)flags);

        Assert.Equal(machine, KernelHeader.Parse(image).Machine);
    }

    [Fact]
    public void An_Image_of_arm64_and_one_that_unpacks_itself_are_known()
    {
        byte[] arm = new byte[64];
        "ARM\x64"u8.CopyTo(arm.AsSpan(0x38));
        byte[] zboot = new byte[64];
        "zimg"u8.CopyTo(zboot.AsSpan(4));

        Assert.Equal(KernelMachine.Arm64, KernelHeader.Parse(arm).Machine);
        Assert.Equal(KernelMachine.Zboot, KernelHeader.Parse(zboot).Machine);
    }

    [Theory]
    [InlineData(0x20B, 112, 0u, false)]
    [InlineData(0x20B, 112, 1400u, true)]
    [InlineData(0x10B, 96, 1400u, true)]
    public void A_signature_is_a_certificate_table_that_is_not_empty(int magic, int directories, uint size, bool isSigned)
    {
        byte[] image = new byte[1024];
        "MZ"u8.CopyTo(image);
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(0x3C), Pe);
        "PE\0\0"u8.CopyTo(image.AsSpan(Pe));
        int optional = Pe + 24;
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(optional), (ushort)magic);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(optional + directories - 4), 16);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(optional + directories + 36), size);

        Assert.Equal(isSigned, KernelHeader.Parse(image).IsSigned);
    }

    /// <summary>Length first: a file may end, or point, anywhere.</summary>
    [Fact]
    public void Any_prefix_and_any_offset_is_read_without_an_exception()
    {
        byte[] image = new byte[1024];
        "MZ"u8.CopyTo(image);
        foreach (uint offset in (uint[])[0, 1020, 1024, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
        {
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(0x3C), offset);
            for (int length = 0; length <= image.Length; length += 17)
            {
                Assert.Equal(new KernelHeader(KernelMachine.None, false), KernelHeader.Parse(image.AsSpan(0, length)));
            }
        }
    }
}
