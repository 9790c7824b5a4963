namespace Nvwa.Linux.Tests;

public sealed class SuperBlockTests
{
    private static readonly Guid Uuid = new("01234567-89ab-cdef-0123-456789abcdef");

    [Fact]
    public void Each_type_has_its_magic_and_its_place()
    {
        Assert.Equal(Uuid, SuperBlock.Ext(Block(0x68, 0x38, [0x53, 0xEF])));
        Assert.Equal(Uuid, SuperBlock.Xfs(Block(32, 0, "XFSB"u8)));
        Assert.Equal(Uuid, SuperBlock.Btrfs(Block(0x20, 0x40, "_BHRfS_M"u8)));
    }

    [Fact]
    public void Without_the_magic_nothing_is_believed()
    {
        byte[] block = Block(0x68, 0, []);

        Assert.Null(SuperBlock.Ext(block));
        Assert.Null(SuperBlock.Xfs(block));
        Assert.Null(SuperBlock.Btrfs(block));
    }

    private static byte[] Block(int uuidAt, int magicAt, ReadOnlySpan<byte> magic)
    {
        byte[] block = new byte[256];
        Uuid.ToByteArray(bigEndian: true).CopyTo(block, uuidAt);
        magic.CopyTo(block.AsSpan(magicAt));
        return block;
    }
}
