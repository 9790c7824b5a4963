using Nvwa.Core.Journal;
using Nvwa.State;

namespace Nvwa.Tests.Simulation;

/// <summary>The memory of a workload at one moment, as a dump wrote it. It may be lived on from once.</summary>
internal sealed class Snapshot(string workload, int serial)
{
    public string Workload => workload;

    public int Serial => serial;

    /// <summary>How often somebody went on living from here: the frozen original when it thawed, or a restored one.</summary>
    public int Lives { get; set; }

    public override string ToString() => $"{Workload}#{Serial}";
}

/// <summary>
/// What outlives the power: the journal, whose records are there once an append has returned, and the images, which are there
/// for certain only once they were synced.
/// </summary>
internal sealed class SimulatedDisk(Random random)
{
    private readonly Dictionary<string, byte[]> _history = [];
    private byte[]? _journal;
    private byte[]? _ghost;
    private Dictionary<string, Snapshot?> _cached = [];
    private Dictionary<string, Snapshot?> _durable = [];

    /// <summary>Null where there are none, or where they are not as they were.</summary>
    public Snapshot? Images(string workload) => _cached.GetValueOrDefault(workload);

    public IEnumerable<string> WithImages => _cached.Where(images => images.Value is not null).Select(images => images.Key);

    public void WriteImages(string workload, Snapshot? snapshot) => _cached[workload] = snapshot;

    public void Sync() => _durable = new Dictionary<string, Snapshot?>(_cached);

    /// <summary>What was not synced is there, or not, or damaged.</summary>
    public void LosePower()
    {
        foreach (string workload in _cached.Keys.Union(_durable.Keys).ToList())
        {
            Snapshot? cached = _cached.GetValueOrDefault(workload);
            Snapshot? durable = _durable.GetValueOrDefault(workload);
            if (cached != durable)
            {
                _durable[workload] = random.Next(3) switch { 0 => cached, 1 => durable, _ => null };
            }
        }

        _cached = new Dictionary<string, Snapshot?>(_durable);
        if (_ghost is not null)
        {
            _journal = _ghost;
            _ghost = null;
        }
    }

    /// <summary>The saved configuration; written atomically, and on disk when it is.</summary>
    public string? Network { get; set; }

    public bool IsInPlace => _journal is not null;

    public UpdateState? ReadOpen() => _journal is null ? null : UpdateState.Of(JournalCodec.Decode(_journal).Records);

    public UpdateState? Read() => ReadOpen() ?? (_history.Count == 0 ? null : Read(_history.Keys.Max(StringComparer.Ordinal)!));

    public UpdateState? Read(string id) => ReadOpen() is { } open && open.Id == id ? open
        : _history.TryGetValue(id, out byte[]? bytes) ? UpdateState.Of(JournalCodec.Decode(bytes).Records) : null;

    public void Begin(Opened opened, IReadOnlyList<JournalRecord> further)
    {
        Archive();
        _journal = [.. JournalCodec.Header, .. JournalCodec.Encode(opened), .. further.SelectMany(JournalCodec.Encode)];
        _ghost = null;
    }

    public void Append(JournalRecord record)
    {
        _journal = [.. Whole(), .. JournalCodec.Encode(record)];
        _ghost = null;
    }

    /// <summary>Part of a record: whoever wrote it ended in the middle.</summary>
    public void Tear(JournalRecord record)
    {
        byte[] bytes = JournalCodec.Encode(record);
        _journal = [.. Whole(), .. bytes[..random.Next(bytes.Length)]];
        _ghost = null;
    }

    /// <summary>The disk says that it failed, and will show the record all the same if the power goes before the next write.</summary>
    public void Haunt(JournalRecord record) => _ghost = [.. Whole(), .. JournalCodec.Encode(record)];

    public bool Archive()
    {
        if (ReadOpen() is not { } open)
        {
            return false;
        }

        _history[open.Id] = _journal!;
        _journal = null;
        _ghost = null;
        return true;
    }

    private byte[] Whole() =>
        _journal is null ? throw new InvalidDataException("no update is open") : _journal[..JournalCodec.Decode(_journal).ValidLength];
}

internal sealed class SimulatedJournal(SimulatedMachine machine, SimulatedProcess process) : IUpdateJournal
{
    public bool IsInPlace => machine.Disk.IsInPlace;

    public UpdateState? Read()
    {
        machine.Touch(process);
        if (machine.Plan.UnreadableAt > 0 && machine.Steps >= machine.Plan.UnreadableAt)
        {
            machine.Plan.UnreadableAt = 0;
            machine.Trace($"{process.Name}: the journal cannot be read");
            throw new IOException("journal: Input/output error");
        }

        return machine.Disk.Read();
    }

    public UpdateState? Read(string id)
    {
        machine.Touch(process);
        return machine.Disk.Read(id);
    }

    public void Begin(Opened opened, params IReadOnlyList<JournalRecord> further)
    {
        machine.Touch(process);
        machine.Disk.Begin(opened, further);
        machine.Touch(process);
    }

    public void Append(JournalRecord record, Func<UpdateState, string?>? obstacle = null)
    {
        machine.Touch(process, () => machine.Disk.Tear(record));
        if (machine.Disk.ReadOpen() is { } state && obstacle?.Invoke(state) is { } why)
        {
            throw new InvalidDataException(why);
        }

        if (record is Committed && machine.Plan.HauntCommit)
        {
            machine.Plan.HauntCommit = false;
            machine.Disk.Haunt(record);
            throw new IOException("journal: Input/output error");
        }

        machine.Disk.Append(record);
        machine.ClosedIn = record is Closed or RolledBack ? machine.BootId : machine.ClosedIn;
        machine.Trace($"{process.Name}: {record.GetType().Name} {(record as NotRestored)?.Workload}{(record as Resuming)?.Workload}{(record as Restored)?.Workload}{(record as PhaseEntered)?.Phase}");
        machine.Touch(process);
    }

    public bool Archive()
    {
        machine.Touch(process);
        return machine.Disk.Archive();
    }

    public string? SetAside() => null;
}
