using System.Reflection;
using System.Text.RegularExpressions;
using Nvwa.Api;
using Nvwa.Core.Checks;
using Nvwa.Core.Journal;

namespace Nvwa.Tests.Api;

/// <summary>The varlink text against the C# messages: one says exactly what the other says.</summary>
public sealed partial class InterfaceTests
{
    /// <summary>Types of the text, and what has that shape in C#.</summary>
    private static readonly Dictionary<string, Type> Types = new()
    {
        ["CheckResult"] = typeof(CheckResult),
        ["BlackoutPart"] = typeof(BlackoutPart),
        ["Blackout"] = typeof(Blackout),
        ["Workload"] = typeof(WorkloadReport),
        ["PhaseTime"] = typeof(PhaseTime),
        ["Update"] = typeof(UpdateReport),
        ["Machine"] = typeof(MachineReport),
    };

    private static readonly Dictionary<string, (Type Parameters, Type Reply)> Methods = new()
    {
        ["Update"] = (typeof(UpdateParameters), typeof(Progress)),
        ["Check"] = (typeof(CheckParameters), typeof(CheckReply)),
        ["Cancel"] = (typeof(NoParameters), typeof(CancelReply)),
        ["Init"] = (typeof(InitParameters), typeof(InitReply)),
        ["Status"] = (typeof(StatusParameters), typeof(StatusReply)),
        ["ListMachines"] = (typeof(NoParameters), typeof(MachinesReply)),
        ["CheckMachine"] = (typeof(CheckMachineParameters), typeof(CheckReply)),
        ["UpgradeMachine"] = (typeof(UpgradeMachineParameters), typeof(UpgradeMachineReply)),
    };

    private static readonly Dictionary<string, Type> Errors = new()
    {
        [NvwaInterface.Usage] = typeof(Message),
        [NvwaInterface.Refused] = typeof(RefusedParameters),
        [NvwaInterface.Failed] = typeof(Message),
        [NvwaInterface.Busy] = typeof(BusyParameters),
        [NvwaInterface.ImagesPending] = typeof(PendingParameters),
    };

    private static readonly NullabilityInfoContext Nullability = new();

    [Fact]
    public void The_types_of_the_text_are_those_of_the_messages() => Assert.Equal(
        Types.Select(type => $"{type.Key} {Shape(type.Value)}").Order(StringComparer.Ordinal),
        Members("type").Select(member => $"{member.Name} {member.First}").Order(StringComparer.Ordinal));

    [Fact]
    public void The_methods_of_the_text_are_those_of_the_messages() => Assert.Equal(
        Methods.Select(method => $"{method.Key} {Shape(method.Value.Parameters)} -> {Shape(method.Value.Reply)}").Order(StringComparer.Ordinal),
        Members("method").Select(member => $"{member.Name} {member.First} -> {member.Second}").Order(StringComparer.Ordinal));

    [Fact]
    public void The_errors_of_the_text_are_those_of_the_messages() => Assert.Equal(
        Errors.Select(error => $"{error.Key} {Shape(error.Value)}").Order(StringComparer.Ordinal),
        Members("error").Select(member => $"{NvwaInterface.Name}.{member.Name} {member.First}").Order(StringComparer.Ordinal));

    [Fact]
    public void Every_constant_for_an_error_is_in_the_text()
    {
        IEnumerable<string> constants = typeof(NvwaInterface).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetRawConstantValue()!)
            .Where(value => value.StartsWith(NvwaInterface.Name + ".", StringComparison.Ordinal));

        Assert.Equal(Errors.Keys.Order(StringComparer.Ordinal), constants.Order(StringComparer.Ordinal));
    }

    /// <summary>varlink.org, "Interface Definition": what varlinkctl introspect accepts.</summary>
    [Fact]
    public void The_text_keeps_to_the_grammar_of_varlink()
    {
        string text = Stripped();
        Assert.Matches(@"^interface [a-z]([-]*[a-z0-9])*(\.[a-z0-9]([-]*[a-z0-9])*)+\n", text);

        string left = Member().Replace(text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..], "");
        Assert.Equal("", left.Trim());

        IEnumerable<string> fields = Member().Matches(text).SelectMany(member => new[] { member.Groups["first"].Value, member.Groups["second"].Value })
            .SelectMany(list => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.All(fields, field => Assert.Matches(@"^[A-Za-z](_?[A-Za-z0-9])*: \??(\[\])?(string|int|bool|" + string.Join('|', Types.Keys) + ")$", field));
        Assert.DoesNotContain('\r', NvwaInterface.Description);
    }

    /// <summary>The words in the comments: values that a caller may have to tell apart.</summary>
    [Theory]
    [InlineData(typeof(Verdict))]
    [InlineData(typeof(WorkloadStep))]
    [InlineData(typeof(Outcome))]
    [InlineData(typeof(Core.Planning.WorkloadKind))]
    public void Every_word_that_a_field_may_hold_is_explained(Type words)
    {
        string comments = string.Join('\n', NvwaInterface.Description.Split('\n').Where(line => line.StartsWith('#')));

        Assert.All(
            Enum.GetNames(words).Where(name => name != "None").Select(name => char.ToLowerInvariant(name[0]) + name[1..]),
            word => Assert.Matches($@"\b{word}\b", comments));
    }

    private static string Stripped() => string.Join('\n', NvwaInterface.Description.Split('\n').Where(line => !line.StartsWith('#'))).Trim() + "\n";

    private static IEnumerable<(string Name, string First, string Second)> Members(string kind) => Member().Matches(Stripped())
        .Where(member => member.Groups["kind"].Value == kind)
        .Select(member => (member.Groups["name"].Value, Normal(member.Groups["first"].Value), Normal(member.Groups["second"].Value)));

    private static string Normal(string fields) => "(" + Blanks().Replace(fields, " ").Trim() + ")";

    private static string Shape(Type type) => "(" + string.Join(", ", type.GetConstructors()
        .MaxBy(constructor => constructor.GetParameters().Length)!.GetParameters()
        .Select(parameter => $"{JsonName(type, parameter.Name!)}: {Word(parameter.ParameterType, Nullability.Create(parameter))}")) + ")";

    private static string JsonName(Type type, string name) =>
        type.GetProperty(name)!.GetCustomAttribute<System.Text.Json.Serialization.JsonPropertyNameAttribute>()?.Name ?? char.ToLowerInvariant(name[0]) + name[1..];

    private static string Word(Type type, NullabilityInfo info)
    {
        string optional = info.ReadState == NullabilityState.Nullable ? "?" : "";
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        return optional + (plain.IsGenericType ? "[]" + Word(plain.GenericTypeArguments[0]) : Word(plain));
    }

    private static string Word(Type type) =>
        type == typeof(string) || type.IsEnum ? "string"
        : type == typeof(int) || type == typeof(long) ? "int"
        : type == typeof(bool) ? "bool"
        : Types.Single(known => known.Value == type).Key;

    [GeneratedRegex(@"(?<kind>type|method|error) (?<name>[A-Z][A-Za-z0-9]*) ?\((?<first>[^()]*)\)(\s*->\s*\((?<second>[^()]*)\))?")]
    private static partial Regex Member();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
