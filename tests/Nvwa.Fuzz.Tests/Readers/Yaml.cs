using System.Text;
using Nvwa.Core.Configuration;

namespace Nvwa.Fuzz.Tests.Readers;

/// <summary>The configuration's two files, which people write by hand.</summary>
internal abstract class YamlTarget(string name) : Target(name)
{
    public override int Rounds => 1_500;

    public override IReadOnlyList<byte[]> Words { get; } = Bytes(
        "- ", ": ", "\n", "  ", "&a ", "*a", "!!binary ", "!<tag:x> ", "|\n", ">-\n", "---\n", "...\n", "%YAML 9.9\n", "? ", "<<: ", "\"\\x\"", "'", "#", "~", "\t", "\uFEFF",
        "pids:\n", "services:\n", "criu_dir: /../..\n", "@", "`", "{}", "[,]");

    public override IReadOnlyList<byte[]> Openers { get; } = Bytes("[", "{a: ", "- ", "? ", "a:\n ", "\"", "!!x ", "\n", "a: b\n", "- 1\n", " ", "x");

    /// <summary>A parser in pieces: tokens, events, nodes and marks for each few letters.</summary>
    public override int AllocatedPerByte => 1024;

    public override Task ReadAsync(byte[] input)
    {
        try
        {
            Read(Encoding.UTF8.GetString(input));
        }
        catch (ConfigurationException refused)
        {
            Assert.Equal("file", refused.File);
            Assert.True(refused.Line >= 0, refused.Message);
        }

        return Task.CompletedTask;
    }

    protected abstract void Read(string text);

    protected static string Flag(bool value) => value ? "true" : "false";
}

/// <summary><c>nvwa-restore.yaml</c>.</summary>
internal sealed class RestoreYaml() : YamlTarget("restore-yaml")
{
    private static readonly string[] Services = ["redis.service", "a@b.service", "dev-\\x2d.service", "x.y.service", "1.service"];

    public override byte[] Valid(Chance chance)
    {
        var written = new RestoreConfiguration(
            [.. Enumerable.Range(0, chance.Below(4)).Select(_ => (int)chance.Number(1, int.MaxValue)).Distinct()],
            [.. Enumerable.Range(0, chance.Below(4)).Select(_ => chance.Pick(Services)).Distinct()],
            chance.OneIn(2), chance.OneIn(2), chance.OneIn(2), chance.OneIn(2));
        string text = $"""
            pids:{string.Concat(written.Pids.Select(pid => $"\n- {pid}"))}
            services: [{string.Join(", ", written.Services)}]
            restore_net: {Flag(written.RestoreNet)}
            enable_quick_kexec: {Flag(written.EnableQuickKexec)}
            enable_pin_memory: {Flag(written.EnablePinMemory)}
            enbale_debug_mode: {Flag(written.DebugMode)}

            """;
        Assert.Equivalent(written, ConfigurationReader.ReadRestore("file", text), strict: true);
        return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>No name may become a path, or leave criu_dir.</summary>
    protected override void Read(string text)
    {
        RestoreConfiguration read = ConfigurationReader.ReadRestore("file", text);
        Assert.All(read.Pids, pid => Assert.True(pid > 0));
        Assert.All(read.Services, service =>
        {
            Assert.EndsWith(".service", service, StringComparison.Ordinal);
            Assert.DoesNotContain('/', service);
            Assert.InRange(service.Length, ".service".Length + 1, 255);
            Assert.NotEqual('.', service[0]);
        });
    }
}

/// <summary><c>nvwa-server.yaml</c>.</summary>
internal sealed class ServerYaml() : YamlTarget("server-yaml")
{
    private static readonly string[] Paths = ["/var/nvwa/running/", "/a", "/a b/c", "//x//", "/ä/内", "/.../x"];

    public override byte[] Valid(Chance chance)
    {
        var written = new ServerConfiguration(
            chance.Pick(Paths), chance.Pick(Paths), chance.Pick(Paths), chance.Pick(Paths), chance.Pick(Paths));
        string text = $"""
            criu_dir: {written.CriuDir}
            criu_exe: "{written.CriuExe}"
            kexec_exe: '{written.KexecExe}'
            systemd_etc: {written.SystemdEtc}
            log_dir: {written.LogDir}

            """;
        Assert.Equal(written, ConfigurationReader.ReadServer("file", text));
        return Encoding.UTF8.GetBytes(text);
    }

    protected override void Read(string text)
    {
        ServerConfiguration read = ConfigurationReader.ReadServer("file", text);
        Assert.All([read.CriuDir, read.CriuExe, read.KexecExe, read.SystemdEtc, read.LogDir], path =>
        {
            Assert.StartsWith("/", path, StringComparison.Ordinal);
            Assert.NotEqual("/", Path.GetFullPath(path));
            Assert.DoesNotContain("..", path.Split('/'));
            Assert.DoesNotContain('\0', path);
        });
    }
}
