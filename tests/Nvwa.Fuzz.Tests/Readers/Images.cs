using System.Buffers.Binary;
using Google.Protobuf;
using Nvwa.Criu;
using Nvwa.Criu.Images;
using Nvwa.Criu.Protocol;

namespace Nvwa.Fuzz.Tests.Readers;

/// <summary>CRIU's image files: framed protobuf messages.</summary>
internal abstract class ImageTarget(string name) : Target(name)
{
    public override int Rounds => 5_000;

    /// <summary>An entry with next to nothing in it, and a message that never ends.</summary>
    public override IReadOnlyList<byte[]> Openers { get; } =
        [[0, 0, 0, 0], [2, 0, 0, 0, 8, 2], [0x0B], [0x62, 0xFF], [0x28, 1], [0xFF], [0x62, 2, 0x62, 0]];

    public override IReadOnlyList<byte[]> Words { get; } =
        [[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], [0x0C], [0x62, 0x80, 0x80, 0x80, 0x80, 8], [0x2A, 4, 1, 2, 3, 4]];

    public override Task ReadAsync(byte[] input)
    {
        try
        {
            Parse(input);
        }
        catch (ImageFormatException)
        {
            // The expected refusal.
        }

        return Task.CompletedTask;
    }

    protected abstract void Parse(byte[] input);

    protected static byte[] Frame(uint[] magics, params IMessage[] entries)
    {
        using var file = new MemoryStream();
        Array.ForEach(magics, magic => Write(file, magic));
        foreach (IMessage entry in entries)
        {
            Write(file, (uint)entry.CalculateSize());
            entry.WriteTo(file);
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

/// <summary><c>inventory.img</c>.</summary>
internal sealed class Inventory() : ImageTarget("inventory")
{
    public override byte[] Valid(Chance chance)
    {
        var entry = new InventoryEntry
        {
            ImageVersion = (uint)chance.Below(4),
            DumpUptime = (ulong)chance.Number(0, 1L << 50),
            TcpClose = chance.OneIn(2),
            NetworkLockMethod = (uint)chance.Below(3),
            DumpRunId = Invented.Of<string>(chance),
            Plugins = new PluginsEntry { Names = { Invented.Of<IReadOnlyList<string>>(chance) } },
        };
        byte[] bytes = Frame([ImageFile.InventoryMagic], entry);
        var read = InventoryImage.Parse(bytes, "valid");
        Assert.Equal(entry.ImageVersion, read.ImageVersion);
        Assert.Equal(TimeSpan.FromMicroseconds(entry.DumpUptime), read.DumpUptime);
        Assert.Equal(entry.TcpClose, read.TcpClose);
        Assert.NotEqual(NetworkLock.Unset, read.NetworkLock);
        Assert.Equal(entry.DumpRunId, read.DumpRunId);
        Assert.Equal(entry.Plugins.Names, read.Plugins);
        return bytes;
    }

    protected override void Parse(byte[] input) => Assert.NotNull(InventoryImage.Parse(input, "damaged").Plugins);
}

/// <summary><c>pstree.img</c>.</summary>
internal sealed class ProcessTree() : ImageTarget("pstree")
{
    public override byte[] Valid(Chance chance)
    {
        uint next = (uint)chance.Number(1, PstreeImage.PidLimit - 64);
        List<ProcessEntry> entries = [];
        for (int count = 1 + chance.Below(6); count > 0; count--)
        {
            uint parent = entries.Count == 0 ? 0 : chance.Pick(entries).Pid;
            var entry = new ProcessEntry { Pid = next, Ppid = parent, Pgid = next, Sid = (uint)chance.Below(2) };
            entry.Threads.Add(Enumerable.Range(0, chance.Below(4)).Select(thread => next + (uint)thread));
            entries.Add(entry);
            next += 1 + (uint)entry.Threads.Count;
        }

        byte[] bytes = Frame([ImageFile.CommonHead, ImageFile.PstreeMagic], [.. entries]);
        Assert.Equal(
            entries.Select(entry => $"{entry.Pid} {entry.Ppid} {entry.Pgid} {entry.Sid} {string.Join(' ', entry.Threads)}"),
            PstreeImage.Parse(bytes, "valid").Processes.Select(process =>
                $"{process.Pid} {process.ParentPid} {process.ProcessGroup} {process.Session} {string.Join(' ', process.Threads)}"));
        return bytes;
    }

    protected override void Parse(byte[] input)
    {
        var tree = PstreeImage.Parse(input, "damaged");
        Assert.All(tree.TakenNumbers(), number => Assert.InRange(number, 1, PstreeImage.PidLimit - 1));
        Assert.Equal(0, tree.Root.ParentPid);
        Assert.Equal(tree.Processes.Count, tree.Processes.DistinctBy(process => process.Pid).Count());
    }
}

/// <summary><c>files.img</c>, of which timers are mended.</summary>
internal sealed class OpenFiles() : ImageTarget("files")
{
    public override byte[] Valid(Chance chance)
    {
        FileEntry[] files =
        [
            .. Enumerable.Range(0, chance.Below(6)).Select(id => new FileEntry
            {
                Type = (uint)chance.Below(20),
                Id = (uint)id,
                Timer = chance.OneIn(2)
                    ? null
                    : new TimerFdEntry
                    {
                        SetFlags = (uint)chance.Below(4),
                        ValueSeconds = (ulong)chance.Below(2),
                        ValueNanoseconds = (ulong)chance.Below(2),
                        IntervalSeconds = (ulong)chance.Below(2),
                        IntervalNanoseconds = (ulong)chance.Below(2),
                    },
            }),
        ];
        byte[] bytes = Frame([ImageFile.CommonHead, ImageFile.FilesMagic], files);
        Mend(bytes);
        return bytes;
    }

    protected override void Parse(byte[] input) => Mend(input);

    /// <summary>Once is enough.</summary>
    private static void Mend(byte[] content)
    {
        if (FilesImage.WithTimersMended(content, "files") is { } mended)
        {
            Assert.NotEqual(content, mended);
            Assert.Null(FilesImage.WithTimersMended(mended, "mended"));
        }
    }
}

/// <summary><c>stats-dump</c> and <c>stats-restore</c>.</summary>
internal sealed class Statistics() : ImageTarget("stats")
{
    public override byte[] Valid(Chance chance)
    {
        var dump = new DumpStatsEntry
        {
            FreezingTime = (uint)chance.Next(),
            FrozenTime = (uint)chance.Next(),
            MemdumpTime = (uint)chance.Next(),
            MemwriteTime = (uint)chance.Next(),
            PagesScanned = chance.Next(),
            PagesSkippedParent = chance.Next(),
            PagesWritten = chance.Next(),
            PagesLazy = chance.Next(),
        };
        byte[] bytes = Frame([ImageFile.ServiceHead, ImageFile.StatsMagic], new StatsEntry { Dump = dump });
        Assert.Equal(
            new DumpStatistics(
                TimeSpan.FromMicroseconds(dump.FreezingTime), TimeSpan.FromMicroseconds(dump.FrozenTime),
                TimeSpan.FromMicroseconds(dump.MemdumpTime), TimeSpan.FromMicroseconds(dump.MemwriteTime),
                dump.PagesScanned, dump.PagesSkippedParent, dump.PagesWritten, dump.PagesLazy),
            StatsImage.Parse(bytes, "valid").Dump);
        return bytes;
    }

    protected override void Parse(byte[] input) => StatsImage.Parse(input, "damaged");
}
