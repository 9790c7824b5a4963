using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Nvwa.Api;
using Nvwa.Core;
using Nvwa.Core.Checks;
using Nvwa.Core.Journal;
using Nvwa.Core.Planning;

namespace Nvwa.Tests.Api;

public sealed class MessageTests
{
    private static readonly CheckResult Warning = CheckResult.Warn("c", "s", "r");

    /// <summary>Every message, full and with all left out that may be.</summary>
    private static readonly object[] Messages =
    [
        new UpdateParameters("7.0", "a=\"b c\"", true), new UpdateParameters("7.0"),
        new Progress("id", Phase.RollBack, "m", [Warning, CheckResult.Refuse("c", "s", "r", "remedy")]), new Progress(null, Phase.Check, ""),
        new CheckParameters("7.0"), new CheckParameters(),
        new CheckReply([Warning]), new CheckReply([]),
        new NoParameters(),
        new CancelReply("id"),
        new InitParameters(true), new InitParameters(),
        new InitReply(["a"]), new InitReply([]),
        new StatusParameters("id", true), new StatusParameters(),
        new StatusReply("1", "2", Report), new StatusReply("1", "2", null),
        new MachinesReply([new MachineReport("web", "/q", true, "web.service", 1, "11.1.3", "pc-q35-10.0", "running", 2048, "p"), new MachineReport("db", "/r", false, null, null, null, null, null, null, null)]),
        new MachinesReply([]),
        new CheckMachineParameters("web", "/qemu"), new CheckMachineParameters("web"),
        new UpgradeMachineParameters("web", "/qemu", "cpr-exec"), new UpgradeMachineParameters("web"),
        new UpgradeMachineReply("web", "cpr-exec", "11.0", "11.1", new Blackout(7, [new BlackoutPart("save", 7)], true), ["s"]), new UpgradeMachineReply("web", "normal", "1", "2", null, []),
        new Message("text"),
        new RefusedParameters([Warning]),
        new BusyParameters("id"),
        new PendingParameters(["redis.service"]),
    ];

    private static UpdateReport Report => new(
        "id", "6.12", "7.0", Phase.Confirm, Outcome.Degraded, "why",
        [new PhaseTime(Phase.Load, "2026-11-21T09:30:00.000Z", 5), new PhaseTime(Phase.Save, "x", null)],
        [
            new WorkloadReport(
                "redis.service", WorkloadKind.Service, "redis.service", WorkloadStep.Restored, 1, 2, 3, "r", "l",
                new Blackout(7, [new BlackoutPart("freeze", 3), new BlackoutPart("dump", 4)], true)),
            new WorkloadReport("1800", WorkloadKind.Process, "nvwa-1800.scope", WorkloadStep.ColdStarted, 1, null, 0, null, null, null),
        ],
        ["cron.service"],
        ["trouble"],
        NetworkStep.Restored);

    [Fact]
    public void Every_message_comes_back_as_it_was() => Assert.All(Messages, message =>
    {
        JsonTypeInfo type = ApiJson.Default.GetTypeInfo(message.GetType())!;
        string json = JsonSerializer.Serialize(message, type);

        object back = JsonSerializer.Deserialize(json, type)!;

        Assert.Equivalent(message, back, strict: true);
        Assert.Equal(json, JsonSerializer.Serialize(back, type));
    });

    [Fact]
    public void No_message_is_forgotten_here()
    {
        IEnumerable<string> declared = typeof(ApiJson).GetCustomAttributesData()
            .Where(attribute => attribute.AttributeType == typeof(JsonSerializableAttribute))
            .Select(attribute => ((Type)attribute.ConstructorArguments[0].Value!).Name);

        Assert.Equal(declared.Order(StringComparer.Ordinal), Messages.Select(message => message.GetType().Name).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Names_are_those_of_the_interface()
    {
        Assert.Equal(
            """{"id":"id","phase":"rollBack","message":"m","results":[{"check":"c","subject":"s","verdict":"warn","reason":"r","remedy":null}]}""",
            JsonSerializer.Serialize(new Progress("id", Phase.RollBack, "m", [Warning]), ApiJson.Default.Progress));
        Assert.Equal("""{"message":"text"}""", JsonSerializer.Serialize(new Message("text"), ApiJson.Default.Message));
    }

    [Theory]
    [InlineData("""{"results":null}""")]
    [InlineData("{}")]
    public void What_must_be_there_is_demanded(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json, ApiJson.Default.CheckReply));

    [Fact]
    public void An_endpoint_has_no_more_in_the_journal_than_what_it_is_made_of()
    {
        var endpoint = new KeptEndpoint("tcp", "10.0.2.15:6379", null);

        Assert.Equal(
            ["Local", "Protocol", "Remote"],
            typeof(KeptEndpoint).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name).Order(StringComparer.Ordinal));
        Assert.Equal(6379, endpoint.LocalEndPoint().Port);
        Assert.Null(endpoint.RemoteEndPoint());
    }
}
