using Nvwa.Core.Configuration;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Tests.State;

public sealed class ConfigurationFilesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Both_files_are_read_afresh_each_time()
    {
        var files = new ConfigurationFiles(_directory.Path);
        Write("nvwa-restore.yaml", "services: [redis]\n");
        Write("nvwa-server.yaml", "criu_dir: /a\n");
        Assert.Equal(["redis.service"], files.Read().Restore.Services);

        // An editor may begin a file with a byte order mark.
        Write("nvwa-restore.yaml", "\uFEFFpids: [7]\n");
        Assert.Equal([7], files.Read().Restore.Pids);
        Assert.Equal("/a", files.Read().Server.CriuDir);
    }

    [Theory]
    [InlineData("nvwa-restore.yaml", "nvwa-server.yaml")]
    [InlineData("nvwa-server.yaml", "nvwa-restore.yaml")]
    public void A_missing_file_is_named(string missing, string other)
    {
        Write(other, "");

        Assert.StartsWith($"{_directory[missing]}: cannot be read", Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_in_its_place_is_named()
    {
        Write("nvwa-server.yaml", "");
        Directory.CreateDirectory(_directory["nvwa-restore.yaml"]);

        Assert.StartsWith($"{_directory["nvwa-restore.yaml"]}: cannot be read", Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_endless_file_is_not_read()
    {
        Write("nvwa-restore.yaml", new string('#', (1 << 20) + 1));
        Write("nvwa-server.yaml", "");

        Assert.Contains("longer than", Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_package_ships_keeps_nothing_and_has_the_places_of_openEuler()
    {
        (RestoreConfiguration restore, ServerConfiguration server) = new ConfigurationFiles(Shipped()).Read();

        Assert.Empty(restore.Pids);
        Assert.Empty(restore.Services);
        Assert.Equal(new ServerConfiguration(), server);
    }

    private static string Shipped([System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Join(Path.GetDirectoryName(here), "../../../packaging/etc"));

    private ConfigurationException Refused() => Assert.Throws<ConfigurationException>(() => new ConfigurationFiles(_directory.Path).Read());

    private void Write(string name, string content) => AtomicFile.Write(_directory[name], content);
}
