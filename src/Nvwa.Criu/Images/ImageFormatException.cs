namespace Nvwa.Criu.Images;

/// <summary>An image file is not what it should be. Says where, for whoever looks at it.</summary>
public sealed class ImageFormatException : Exception
{
    public ImageFormatException(string path, ImageFault fault, string message, Exception? innerException = null)
        : base($"{path}: {message}", innerException)
    {
        Path = path;
        Fault = fault;
    }

    public string Path { get; }

    public ImageFault Fault { get; }
}
