using System.Globalization;

namespace Nvwa.Criu;

/// <summary>
/// A descriptor that CRIU has open and that takes the place of a saved one. Allowed only for <c>criu swrk</c>.
/// </summary>
/// <remarks>
/// The number is one of CRIU's own table (it got the descriptor when it was started), unlike the directories of a
/// request. CRIU closes it in itself once the restored processes have it.
/// </remarks>
public sealed record InheritedResource
{
    /// <param name="key">CRIU's name of the saved resource.</param>
    /// <param name="descriptor">The number of the descriptor in the CRIU process.</param>
    public InheritedResource(string key, int descriptor)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentOutOfRangeException.ThrowIfNegative(descriptor);
        Key = key;
        Descriptor = descriptor;
    }

    public string Key { get; }

    public int Descriptor { get; }

    /// <summary><c>socket:[inode]</c>: the unix socket that was external at the dump.</summary>
    public static InheritedResource Socket(uint inode, int descriptor) =>
        new(string.Create(CultureInfo.InvariantCulture, $"socket:[{inode}]"), descriptor);

    /// <summary><c>pipe:[inode]</c>.</summary>
    public static InheritedResource Pipe(uint inode, int descriptor) =>
        new(string.Create(CultureInfo.InvariantCulture, $"pipe:[{inode}]"), descriptor);

    /// <summary>What was declared external at the dump under the same name: a file, a terminal.</summary>
    public static InheritedResource For(ExternalResource resource, int descriptor) => new(resource.Key, descriptor);
}
