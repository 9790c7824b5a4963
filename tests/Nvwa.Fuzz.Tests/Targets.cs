using Nvwa.Fuzz.Tests.Readers;

namespace Nvwa.Fuzz.Tests;

/// <summary>All that reads what others wrote.</summary>
internal static class Targets
{
    public static IReadOnlyList<Target> All { get; } =
    [
        new JournalBytes(),
        new JournalPayload(),
        new JournalTorn(),
        new Inventory(),
        new OpenFiles(),
        new ProcessTree(),
        new Statistics(),
        new RestoreYaml(),
        new ServerYaml(),
        new VarlinkMessages(),
        new VarlinkService(),
        new VarlinkCaller(),
        new QmpConversation(),
        new AgentConversation(),
        new NetworkFile(),
        new NetworkMessages(),
    ];
}
