namespace Nvwa.Criu.Images;

/// <summary>What is wrong with an image file.</summary>
public enum ImageFault
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It is larger than such a file can sensibly be.</summary>
    TooLarge = 1,

    /// <summary>It ends in the middle of something.</summary>
    Truncated = 2,

    /// <summary>It is a file of another kind.</summary>
    WrongMagic = 3,

    /// <summary>An entry is no protobuf message or lacks what it must have.</summary>
    BadEntry = 4,

    /// <summary>It has more or fewer entries than it must.</summary>
    WrongCount = 5,

    /// <summary>A value cannot be.</summary>
    BadValue = 6,
}
