using System.Text.Json;

namespace Nvwa.Qemu.Tests;

/// <summary>Schemas cut down to what is asked of them; names of types are numbers, as QEMU's are.</summary>
public sealed class QemuFeaturesTests
{
    private const string Capabilities = """
        {"name": "migrate-set-capabilities", "meta-type": "command", "arg-type": "10", "ret-type": "0"},
        {"name": "10", "meta-type": "object", "members": [{"name": "capabilities", "type": "[11]"}]},
        {"name": "[11]", "meta-type": "array", "element-type": "11"},
        {"name": "11", "meta-type": "object", "members": [{"name": "capability", "type": "12"}, {"name": "state", "type": "bool"}]},
        """;

    private const string Seven = $$"""
        [{{Capabilities}}
        {"name": "12", "meta-type": "enum", "values": ["xbzrle", "events", "multifd", "x-ignore-shared"], "members": [{"name": "xbzrle"}, {"name": "events"}, {"name": "multifd"}, {"name": "x-ignore-shared"}]},
        {"name": "migrate-set-parameters", "meta-type": "command", "arg-type": "20"},
        {"name": "20", "meta-type": "object", "members": [{"name": "max-bandwidth", "type": "int", "default": null}]},
        {"name": "migrate", "meta-type": "command", "arg-type": "30"},
        {"name": "30", "meta-type": "object", "members": [{"name": "uri", "type": "str"}]},
        {"name": "migrate-incoming", "meta-type": "command", "arg-type": "30"}]
        """;

    private const string Channels = """
        {"name": "bool", "meta-type": "builtin", "json-type": "boolean"},
        {"name": "migrate", "meta-type": "command", "arg-type": "30"},
        {"name": "30", "meta-type": "object", "members": [{"name": "uri", "type": "str", "default": null}, {"name": "channels", "type": "[31]", "default": null}]},
        {"name": "[31]", "meta-type": "array", "element-type": "31"},
        {"name": "31", "meta-type": "object", "members": [{"name": "channel-type", "type": "34"}, {"name": "addr", "type": "32"}]},
        {"name": "32", "meta-type": "object", "members": [{"name": "transport", "type": "33"}], "tag": "transport", "variants": []},
        {"name": "33", "meta-type": "enum", "values": ["socket", "exec", "rdma", "file"], "members": []},
        {"name": "migrate-incoming", "meta-type": "command", "arg-type": "40"},
        {"name": "40", "meta-type": "object", "members": [{"name": "uri", "type": "str"}, {"name": "exit-on-error", "type": "bool", "default": null}]},
        """;

    private const string Ten = $$"""
        [{{Capabilities}}{{Channels}}
        {"name": "12", "meta-type": "enum", "values": ["events", "x-ignore-shared", "multifd", "mapped-ram"], "members": []},
        {"name": "migrate-set-parameters", "meta-type": "command", "arg-type": "20"},
        {"name": "20", "meta-type": "object", "members": [{"name": "mode", "type": "21", "default": null}, {"name": "direct-io", "type": "bool", "default": null}]},
        {"name": "21", "meta-type": "enum", "values": ["normal", "cpr-reboot", "cpr-transfer"], "members": []}]
        """;

    internal const string Eleven = $$"""
        [{{Capabilities}}{{Channels}}
        {"name": "12", "meta-type": "enum", "members": [{"name": "events"}, {"name": "x-ignore-shared"}, {"name": "multifd"}, {"name": "mapped-ram"}]},
        {"name": "migrate-set-parameters", "meta-type": "command", "arg-type": "20"},
        {"name": "20", "meta-type": "object", "members": [{"name": "mode", "type": "21", "default": null}, {"name": "direct-io", "type": "bool", "default": null}, {"name": "cpr-exec-command", "type": "[str]", "default": null}]},
        {"name": "21", "meta-type": "enum", "members": [{"name": "normal"}, {"name": "cpr-reboot"}, {"name": "cpr-transfer"}, {"name": "cpr-exec"}, {"name": "yet-to-come"}]}]
        """;

    [Fact]
    public void QEMU_7_2_has_one_mode_and_no_files()
    {
        QemuFeatures features = Of(Seven);

        Assert.Equal([MigrationMode.Normal], features.Modes);
        Assert.Contains("x-ignore-shared", features.Capabilities);
        Assert.Equal((false, false, false, false), (features.HasFiles, features.HasDirectIo, features.OutlivesFailure, features.HasMappedRam));
    }

    [Fact]
    public void QEMU_10_0_has_files_and_all_modes_but_one()
    {
        QemuFeatures features = Of(Ten);

        Assert.Equal([MigrationMode.Normal, MigrationMode.CprReboot, MigrationMode.CprTransfer], features.Modes.Order());
        Assert.Equal((true, true, true, true), (features.HasFiles, features.HasDirectIo, features.OutlivesFailure, features.HasMappedRam));
    }

    [Fact]
    public void QEMU_11_1_has_all_modes_and_what_is_yet_to_come_is_passed_over()
    {
        QemuFeatures features = Of(Eleven);

        Assert.Equal([MigrationMode.Normal, MigrationMode.CprReboot, MigrationMode.CprTransfer, MigrationMode.CprExec], features.Modes.Order());
        Assert.True(features.HasMappedRam);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""[{"name": "migrate-set-parameters", "meta-type": "command", "arg-type": "gone"}]""")]
    [InlineData("""[{"name": "migrate-set-parameters", "meta-type": "command", "arg-type": 7}]""")]
    [InlineData("""[{"name": "migrate-set-parameters", "meta-type": "command", "arg-type": "1"}, {"name": "1", "members": 7}]""")]
    [InlineData("""[{"name": "migrate-set-parameters", "meta-type": "command", "arg-type": "1"}, {"name": "1", "members": [7, null, {"name": "mode", "type": "2"}]}, {"name": "2", "values": [7, null, {}]}]""")]
    [InlineData("""[{"name": "migrate-set-parameters", "arg-type": "1"}, {"name": "1", "members": [{"name": "mode", "type": "2"}]}, {"name": "2", "meta-type": "array", "element-type": "2"}]""")]
    public void Of_a_damaged_schema_what_cannot_be_reached_is_not_there(string schema) => Assert.Equal([MigrationMode.Normal], Of(schema).Modes);

    [Theory]
    [InlineData("{}")]
    [InlineData("7")]
    [InlineData("null")]
    [InlineData("[7]")]
    [InlineData("[{}]")]
    [InlineData("""[{"name": null}]""")]
    [InlineData("""[{"name": 7}]""")]
    [InlineData("""[{"name": "a"}, {"name": "a"}]""")]
    public void What_is_no_schema_at_all_is_an_error(string schema) => Assert.Throws<QmpTransportException>(() => Of(schema));

    [Fact]
    public void Commands_and_their_arguments_are_found()
    {
        using var document = JsonDocument.Parse(Ten);
        var schema = QmpSchema.Parse(document.RootElement, "/q");

        Assert.True(schema.HasCommand("migrate"));
        Assert.False(schema.HasCommand("30"));
        Assert.False(schema.HasCommand("gone"));
        Assert.True(schema.Has("migrate", "channels", "addr"));
        Assert.False(schema.Has("migrate", "channels", "address"));
        Assert.False(schema.Has("gone", "channels"));
    }

    [Theory]
    [InlineData(true, true, 0)]
    [InlineData(true, false, 4)]
    [InlineData(false, true, 4)]
    public void Memory_in_shared_files_stays_only_if_all_of_it_does(bool stays, bool isShared, int mostChannels)
    {
        string[] files = [Path.GetTempFileName(), Path.GetTempFileName()];
        RamBackend[] ram = [new("a", "memory-backend-file", 1, IsShared: true, files[0]), new("b", "memory-backend-file", 1, isShared, files[1])];

        var options = MigrationOptions.ForFile(MigrationMode.CprReboot, Of(Eleven), ram, each => stays || each.Path == files[0]);
        Array.ForEach(files, File.Delete);

        Assert.Equal(stays || !isShared, options.LeavesShared);
        Assert.InRange(options.Channels, Math.Min(1, mostChannels), mostChannels);
    }

    [Fact]
    public void Memory_of_no_file_is_copied_and_in_one_stream_where_QEMU_has_no_other()
    {
        RamBackend[] ram = [new("ram", "memory-backend-memfd", 1, IsShared: true, Path: null)];

        Assert.Equal(new MigrationOptions(MigrationMode.Normal), MigrationOptions.ForFile(MigrationMode.Normal, Of(Seven), ram, _ => true));
        Assert.NotEqual(0, MigrationOptions.ForFile(MigrationMode.CprReboot, Of(Eleven), ram, _ => true).Channels);
    }

    [Fact]
    public void Without_the_capability_shared_memory_is_copied()
    {
        RamBackend[] ram = [new("ram", "memory-backend-file", 1, IsShared: true, "/a")];

        Assert.False(MigrationOptions.ForFile(MigrationMode.Normal, Of("[]"), ram, _ => true).LeavesShared);
    }

    private static QemuFeatures Of(string schema)
    {
        using var document = JsonDocument.Parse(schema);
        return QemuFeatures.Of(QmpSchema.Parse(document.RootElement.Clone(), "/q"));
    }
}
