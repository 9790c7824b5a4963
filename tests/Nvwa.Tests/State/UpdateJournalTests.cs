using System.Runtime.Versioning;
using Nvwa.Core.Journal;
using Nvwa.State;
using static Nvwa.Tests.Updates;

namespace Nvwa.Tests.State;

[SupportedOSPlatform("linux")]
public sealed class UpdateJournalTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Root => _directory["nvwa"];

    private string File => Path.Join(Root, "journal");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Where_there_never_was_an_update_there_is_nothing()
    {
        UpdateJournal journal = Journal();

        Assert.Null(journal.Read());
        Assert.Null(journal.Read(Id));
        Assert.False(journal.Archive());
        Assert.False(Directory.Exists(Root));
    }

    [Fact]
    public void What_was_appended_is_read_by_another_process()
    {
        Journal().Begin(Opened(Id));
        Journal().Append(new Planned([Redis], ["cron.service"], null));
        Journal().Append(new Saved("redis.service", 42, At(1)));

        UpdateState state = Journal().Read()!;

        Assert.Equal(Id, state.Id);
        Assert.Equal(42, state.Find("redis.service")!.ImageBytes);
        Assert.Equal(Id, Journal().Read(Id)!.Id);
    }

    /// <summary>.NET takes flock(2) for a reader that does not share: the packet lock's holder died of it.</summary>
    [Fact]
    public void It_is_read_while_another_process_holds_its_lock()
    {
        Journal().Begin(Opened(Id));
        using var held = new FileStream(Path.Join(Root, "journal"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);

        Assert.Equal(Id, Journal().Read()!.Id);
    }

    [Fact]
    public void Nobody_else_may_look_in()
    {
        Journal().Begin(Opened(Id));

        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Owner | UnixFileMode.UserExecute, System.IO.File.GetUnixFileMode(Root));
        Assert.Equal(Owner | UnixFileMode.UserExecute, System.IO.File.GetUnixFileMode(Path.Join(Root, "history")));
        Assert.Equal(Owner, System.IO.File.GetUnixFileMode(File));
    }

    [Fact]
    public void A_torn_record_is_not_read()
    {
        Journal().Begin(Opened(Id));
        Journal().Append(new Committed(At(1)));
        Tear();

        Assert.False(Journal().Read()!.IsCommitted);
    }

    [Fact]
    public void What_is_appended_behind_a_torn_record_is_not_lost()
    {
        Journal().Begin(Opened(Id));
        Journal().Append(new Committed(At(1)));
        Tear();

        Journal().Append(new Revoked("x"));

        UpdateState state = Journal().Read()!;
        Assert.Equal(("x", false), (state.RevokedBecause, state.IsCommitted));
    }

    [Fact]
    public void Nothing_is_appended_where_no_update_is_open()
    {
        Journal().Begin(Opened(Id));
        Journal().Archive();

        Assert.Throws<InvalidDataException>(() => Journal().Append(new Committed(At(1))));
        Assert.False(System.IO.File.Exists(File));
        Assert.Equal(Id, Journal().Read()!.Id);
    }

    [Fact]
    public void An_update_that_has_ended_goes_to_the_history_and_is_still_the_last_one()
    {
        Journal().Begin(Opened(Id));
        Journal().Append(new Closed(Outcome.Updated, null, At(1)));

        Assert.True(Journal().Archive());
        Assert.False(Journal().Archive());

        Assert.False(System.IO.File.Exists(File));
        Assert.Equal(Outcome.Updated, Journal().Read()!.Outcome);
        Assert.Equal(Outcome.Updated, Journal().Read(Id)!.Outcome);
    }

    [Fact]
    public void The_open_update_comes_before_the_ended_ones_and_of_these_the_newest()
    {
        Journal().Begin(Opened("20261121T093000Z"));
        Journal().Begin(Opened("20261122T093000Z"));
        Journal().Begin(Opened("20250101T093000Z"));
        Assert.Equal("20250101T093000Z", Journal().Read()!.Id);

        Journal().Archive();
        Assert.Equal("20261122T093000Z", Journal().Read()!.Id);
        Assert.Equal("20261121T093000Z", Journal().Read("20261121T093000Z")!.Id);
    }

    [Theory]
    [InlineData("../journal")]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("journal")]
    [InlineData("")]
    [InlineData("..")]
    public void An_id_never_becomes_a_path(string id)
    {
        Journal().Begin(Opened(Id));

        Assert.Null(Journal().Read(id));
    }

    [Fact]
    public void The_last_twenty_updates_are_kept()
    {
        string[] ids = [.. Enumerable.Range(1, 25).Select(day => $"202611{day:00}T093000Z")];
        foreach (string id in ids)
        {
            Journal().Begin(Opened(id));
        }

        Journal().Archive();

        Assert.Equal(ids[5..], Directory.GetFiles(Path.Join(Root, "history")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Null(Journal().Read(ids[4]));
        Assert.NotNull(Journal().Read(ids[5]));
    }

    [Fact]
    public void A_file_that_is_no_journal_is_an_error_and_not_an_empty_one()
    {
        Journal().Begin(Opened(Id));
        System.IO.File.WriteAllText(File, "something else");

        Assert.Throws<InvalidDataException>(() => Journal().Read());
        Assert.Throws<InvalidDataException>(() => Journal().Append(new Committed(At(1))));
        Assert.Equal("something else", System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void A_journal_that_cannot_be_read_is_set_aside_and_not_destroyed()
    {
        Journal().Begin(Opened(Id));
        System.IO.File.WriteAllText(File, "something else");

        string aside = Journal().SetAside()!;

        Assert.Equal("something else", System.IO.File.ReadAllText(aside));
        Assert.Null(Journal().Read());
        Assert.Null(Journal().SetAside());
    }

    [Fact]
    public async Task Several_processes_append_at_once_and_nothing_is_lost()
    {
        Journal().Begin(Opened(Id));
        Journal().Append(new Planned([.. Enumerable.Range(0, 8).Select(i => Redis with { Name = $"{i}" })], [], null));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
        {
            for (int attempt = 0; attempt < 20; attempt++)
            {
                Journal().Append(new Attempted($"{i}", NewBoot, At(attempt)));
            }
        })));

        Assert.All(Journal().Read()!.Workloads, workload => Assert.Equal(20, workload.Attempts));
    }

    private UpdateJournal Journal() => new(Root);

    /// <summary>As a power cut would: the last record is there but for its last bytes.</summary>
    private void Tear()
    {
        using FileStream file = System.IO.File.OpenWrite(File);
        file.SetLength(file.Length - 3);
    }
}
