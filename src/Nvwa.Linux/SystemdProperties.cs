namespace Nvwa.Linux;

/// <summary>Some properties of a unit at one moment.</summary>
/// <param name="lists">By name.</param>
/// <param name="flags">Names of those that are true.</param>
public sealed class SystemdProperties(IReadOnlyDictionary<string, IReadOnlyList<string>> lists, IReadOnlySet<string> flags)
{
    /// <summary>Empty for one that the manager does not have.</summary>
    public IReadOnlyList<string> Strings(string property) => lists.GetValueOrDefault(property, []);

    public bool Is(string property) => flags.Contains(property);
}
