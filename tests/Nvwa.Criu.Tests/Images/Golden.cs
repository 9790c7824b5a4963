using System.Buffers.Binary;

namespace Nvwa.Criu.Tests.Images;

/// <summary>Image files written byte by byte, as CRIU writes them.</summary>
internal static class Golden
{
    public const uint CommonHead = 0x54564319;
    public const uint ServiceHead = 0x55105940;
    public const uint InventoryMagic = 0x58313116;
    public const uint PstreeMagic = 0x50273030;
    public const uint StatsMagic = 0x57093306;
    public const uint FilesMagic = 0x56303138;

    /// <summary>Version 2, uptime 12.34 s, lock "skip", run id "run", plugin "cuda".</summary>
    public static byte[] Inventory => Frame(
        [InventoryMagic],
        Convert.FromHexString("0802" + "40a096f105" + "5802" + "62066204" + "63756461" + "6a03" + "72756e"));

    /// <summary>
    /// 100001 with threads 100001 and 100002, and its child 100003; group and session of a shell that is gone.
    /// </summary>
    public static byte[] Pstree => Frame(
        [CommonHead, PstreeMagic],
        Convert.FromHexString("08a18d06" + "1000" + "18a18d06" + "20a08d06" + "28a18d06" + "28a28d06"),
        Convert.FromHexString("08a38d06" + "10a18d06" + "18a18d06" + "20a08d06" + "28a38d06"));

    /// <summary>
    /// Freezing 300 us, frozen 20000 us, memory 150 and 16000 us, 4096 pages scanned, 1 skipped, 700 written.
    /// </summary>
    public static byte[] StatsDump => Frame(
        [ServiceHead, StatsMagic],
        Convert.FromHexString("0a17" + "08ac02" + "10a09c01" + "189601" + "20807d" + "288020" + "3001"
            + "38bc05" + "4800"));

    /// <summary>Forking 1000 us, restore 240000 us, 7 pages restored.</summary>
    public static byte[] StatsRestore => Frame(
        [ServiceHead, StatsMagic],
        Convert.FromHexString("120d" + "0800" + "1000" + "18e807" + "2080d30e" + "2807"));

    /// <summary>A file of which nothing is known, and a timerfd with these fields, 31 bytes.</summary>
    public static byte[] Files(string timer) => Frame(
        [CommonHead, FilesMagic],
        Convert.FromHexString("0805" + "1003" + "4a02" + "0803"),
        Convert.FromHexString("0811" + "1014" + "621f" + timer));

    public static byte[] Frame(uint[] magics, params byte[][] entries)
    {
        using MemoryStream file = new();
        foreach (uint magic in magics)
        {
            Write(file, magic);
        }

        foreach (byte[] entry in entries)
        {
            Write(file, (uint)entry.Length);
            file.Write(entry);
        }

        return file.ToArray();
    }

    private static void Write(MemoryStream file, uint word)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, word);
        file.Write(bytes);
    }
}
