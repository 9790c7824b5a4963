using Nvwa.Core.Configuration;

namespace Nvwa.State;

/// <summary>The two files in <c>/etc/nvwa</c>, read afresh at each update.</summary>
internal sealed class ConfigurationFiles(string directory)
{
    public const string Directory = "/etc/nvwa";

    private const int MaxLength = 1 << 20;

    /// <exception cref="ConfigurationException">A file is missing or cannot be used.</exception>
    public (RestoreConfiguration Restore, ServerConfiguration Server) Read()
    {
        string restore = Path.Combine(directory, "nvwa-restore.yaml");
        string server = Path.Combine(directory, "nvwa-server.yaml");
        return (ConfigurationReader.ReadRestore(restore, Text(restore)), ConfigurationReader.ReadServer(server, Text(server)));
    }

    private static string Text(string file)
    {
        try
        {
            if (new FileInfo(file).Length > MaxLength)
            {
                throw new ConfigurationException(file, 0, $"longer than {MaxLength} bytes");
            }

            return File.ReadAllText(file);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(file, 0, $"cannot be read: {unreadable.Message}");
        }
    }
}
