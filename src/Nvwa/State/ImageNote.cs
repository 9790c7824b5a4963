using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Win32.SafeHandles;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>A JSON file among the images of a workload: what it had and no CRIU keeps. Sealed and verified with them.</summary>
internal static class ImageNote
{
    /// <summary>More than any process has descriptors, or any unit has control groups for.</summary>
    private const int MaxLength = 64 << 20;

    public static void Write<T>(string path, T note, JsonTypeInfo<T> type)
    {
        using FileStream file = File.Create(path);
        JsonSerializer.Serialize(file, note, type);
    }

    /// <returns>The default if there is none.</returns>
    /// <exception cref="InvalidDataException">It is too long.</exception>
    /// <exception cref="JsonException">It is something else.</exception>
    public static T? Read<T>(string path, JsonTypeInfo<T> type)
    {
        if (!File.Exists(path))
        {
            return default;
        }

        using SafeFileHandle handle = PrivateFile.OpenRead(path);
        long length = RandomAccess.GetLength(handle);
        if (length > MaxLength)
        {
            throw new InvalidDataException($"{path} has {length} bytes; at most {MaxLength} can be meant");
        }

        using var file = new FileStream(handle, FileAccess.Read);
        return JsonSerializer.Deserialize(file, type);
    }
}
