using Nvwa.Criu.Images;

namespace Nvwa.Criu.Tests.Images;

public sealed class HandedSocketsTests : IDisposable
{
    private const uint DescriptorsMagic = 0x56213732;

    // An owner and options, of which this library knows nothing.
    private const string Unnamed = "0801" + "1002";

    // Number 7, inode 100, IPv6 TCP, which listens on port 80 with O_RDWR | O_NONBLOCK and has owner and options.
    private const string Internet = "0807" + "1064" + "180a" + "2001" + "2806" + "300a" + "3850" + "4000" + "488210" + "5004" + "6a04" + Unnamed + "7204" + Unnamed;

    // Number 8, inode 101: a listening unix socket /s, and number 9, inode 102, which was accepted there.
    private const string Listening = "0808" + "1065" + "1801" + "200a" + "2802" + "3000" + "3804" + "4000" + "4a04" + Unnamed + "5204" + Unnamed + "5a022f73";
    private const string Accepted = "0809" + "1066" + "1801" + "2001" + "2802" + "3000" + "3800" + "4067" + "4a04" + Unnamed + "5204" + Unnamed + "5a022f73";

    private readonly string _directory = Directory.CreateTempSubdirectory().FullName;

    [Fact]
    public void They_become_nameless_unix_sockets_and_all_else_stays()
    {
        byte[] pipe = Convert.FromHexString("0802" + "1003" + "92010408011002");
        Write("files.img", Golden.FilesMagic, pipe, File(4, 7, 4, Internet), File(5, 8, 16, Listening), File(5, 9, 16, Accepted));
        Write("fdinfo-2.img", DescriptorsMagic, Descriptor(7, 4, 3), Descriptor(3, 2, 4), Descriptor(8, 5, 5), Descriptor(9, 5, 6));

        IReadOnlyDictionary<string, byte[]> mended = HandedSockets.Mend(_directory, new HashSet<uint> { 100, 101 });

        const string Rest = "3000" + "3800" + "4000" + "4a04" + Unnamed + "5204" + Unnamed + "5a00";
        Assert.Equal(
            Golden.Frame(
                [Golden.CommonHead, Golden.FilesMagic],
                pipe,
                File(5, 7, 16, "0807" + "1064" + "1801" + "2007" + "288210" + Rest),
                File(5, 8, 16, "0808" + "1065" + "1801" + "2007" + "2802" + Rest),
                File(5, 9, 16, Accepted[..^8] + "5a00")),
            mended[Path("files.img")]);
        Assert.Equal(
            Golden.Frame(
                [Golden.CommonHead, DescriptorsMagic], Mended(7, 5, 3), Mended(3, 2, 4), Mended(8, 5, 5), Mended(9, 5, 6)),
            mended[Path("fdinfo-2.img")]);
        Assert.Equal(2, mended.Count);
    }

    [Fact]
    public void Nothing_is_written_where_none_is_handed_in() => Assert.Empty(HandedSockets.Mend(_directory, new HashSet<uint>()));

    [Fact]
    public void One_that_the_dump_has_not_is_an_error()
    {
        Write("files.img", Golden.FilesMagic, File(4, 7, 4, Internet));

        Assert.Equal(ImageFault.WrongCount, Assert.Throws<ImageFormatException>(() => HandedSockets.Mend(_directory, new HashSet<uint> { 100, 4711 })).Fault);
    }

    [Fact]
    public void One_that_leads_to_them_is_an_error()
    {
        Write("files.img", Golden.FilesMagic, File(5, 8, 16, Listening), File(5, 9, 16, Accepted.Replace("4067", "4065", StringComparison.Ordinal)));

        Assert.Equal(ImageFault.BadEntry, Assert.Throws<ImageFormatException>(() => HandedSockets.Mend(_directory, new HashSet<uint> { 101 })).Fault);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string Path(string name) => System.IO.Path.Combine(_directory, name);

    private void Write(string name, uint magic, params byte[][] entries) =>
        System.IO.File.WriteAllBytes(Path(name), Golden.Frame([Golden.CommonHead, magic], entries));

    private static byte[] File(byte type, byte id, int field, string socket)
    {
        byte[] message = Convert.FromHexString(socket);
        byte[] key = field < 16 ? [(byte)((field << 3) | 2)] : [(byte)(((field << 3) | 2) & 0x7f | 0x80), (byte)(field >> 4)];
        return [0x08, type, 0x10, id, .. key, (byte)message.Length, .. message];
    }

    /// <summary>With flags, which nobody looks at.</summary>
    private static byte[] Descriptor(byte id, byte type, byte fd) => [0x08, id, 0x10, 1, 0x18, type, 0x20, fd];

    /// <summary>What is named comes first; the order of fields means nothing.</summary>
    private static byte[] Mended(byte id, byte type, byte fd) => [0x08, id, 0x18, type, 0x10, 1, 0x20, fd];
}
