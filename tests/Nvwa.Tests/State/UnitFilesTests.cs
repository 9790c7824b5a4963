using Nvwa.State;

namespace Nvwa.Tests.State;

public sealed class UnitFilesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_any_of_the_files_says_counts_and_what_generators_make_does_not()
    {
        File.WriteAllText(_directory["a.service"], "[Service]\n");
        File.WriteAllText(_directory["b.conf"], "[Service]\n");
        UnitFiles files = new(_directory["a.service"], [_directory["b.conf"]], IsOutdated: false);
        string before = files.Digest();

        Assert.Equal(before, (files with { DropIns = [_directory["b.conf"], "/run/systemd/generator/a.service.d/zz-nvwa.conf"] }).Digest());
        Assert.NotEqual(before, (files with { DropIns = [] }).Digest());
        File.AppendAllText(_directory["b.conf"], "# upgraded\n");
        Assert.NotEqual(before, files.Digest());
    }

    [Fact]
    public void What_systemd_has_not_read_is_equal_to_nothing()
    {
        File.WriteAllText(_directory["a.service"], "[Service]\n");

        Assert.Equal("", new UnitFiles(_directory["a.service"], [], IsOutdated: true).Digest());
    }
}
