using Nvwa.Core.Journal;

namespace Nvwa.State;

/// <summary>The journal of the open update, and those of the ones that ended.</summary>
internal interface IUpdateJournal
{
    /// <summary>The open update, or else the last one. Read afresh each time: other processes append too.</summary>
    /// <returns>Null where there never was an update.</returns>
    /// <exception cref="InvalidDataException">The file is no journal that this version can read.</exception>
    UpdateState? Read();

    /// <summary>The update with this id; null where there is none.</summary>
    UpdateState? Read(string id);

    /// <summary>Whether the last update's journal is not yet in the history.</summary>
    bool IsInPlace { get; }

    /// <summary>Begins a journal, with these records or not at all.</summary>
    void Begin(Opened opened, params IReadOnlyList<JournalRecord> further);

    /// <summary>On disk when it returns, and behind whole records only: what stands behind a torn one is never read.</summary>
    /// <param name="record">What to append.</param>
    /// <param name="obstacle">Asked under the journal's lock why not to append; null for no reason, or for nobody to ask.</param>
    /// <exception cref="InvalidDataException">No update is open, or there is an obstacle.</exception>
    void Append(JournalRecord record, Func<UpdateState, string?>? obstacle = null);

    /// <summary>An update that has ended goes to the history.</summary>
    /// <returns>Whether there was one.</returns>
    bool Archive();

    /// <summary>A journal that cannot be read goes out of the way.</summary>
    /// <returns>Where it is now; null if there was none.</returns>
    string? SetAside();
}
