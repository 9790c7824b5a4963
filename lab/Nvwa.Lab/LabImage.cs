using System.Text.Json;
using System.Text.Json.Serialization;

namespace Nvwa.Lab;

/// <summary>
/// The prepared guest: what <c>lab/image/build</c> makes and keeps.
/// <code>
/// disk.qcow2                            the root file system; guests write to overlays of it
/// kernels/RELEASE/{vmlinuz,initrd}      for the first boot of a guest
/// bin/                                  programs of the guest's Debian that run on this host: QEMU, qemu-img, tcpdump
/// manifest.json                         what is in it
/// </code>
/// </summary>
public sealed record LabImage
{
    // The first time a whole distribution is installed.
    private static readonly TimeSpan BuildTimeout = TimeSpan.FromMinutes(40);

    private LabImage(string directory, LabManifest manifest)
    {
        Directory = directory;
        Manifest = manifest;
    }

    public string Directory { get; }

    public LabManifest Manifest { get; }

    public string Disk => Path.Combine(Directory, "disk.qcow2");

    /// <summary>Builds the image where there is none yet, which takes minutes.</summary>
    public static async Task<LabImage> LocateAsync(CancellationToken cancellationToken = default)
    {
        string output = await HostCommand.RunAsync(LabPaths.ImageBuild, [], BuildTimeout, cancellationToken);
        return await OpenAsync(output.Trim(), cancellationToken);
    }

    /// <summary>The image in this directory.</summary>
    public static async Task<LabImage> OpenAsync(string directory, CancellationToken cancellationToken = default)
    {
        await using FileStream file = File.OpenRead(Path.Combine(directory, "manifest.json"));
        LabManifest? manifest = await JsonSerializer.DeserializeAsync(file, LabJson.Default.LabManifest, cancellationToken);
        return new LabImage(directory, manifest ?? throw new LabException($"{file.Name} is empty"));
    }

    /// <summary>What <c>uname -r</c> says under this kernel.</summary>
    public string Release(LabKernel kernel) => kernel switch
    {
        LabKernel.Old => Manifest.Kernels.Old,
        LabKernel.New => Manifest.Kernels.New,
        LabKernel.None or _ => throw new ArgumentOutOfRangeException(nameof(kernel), kernel, "not a kernel of the image"),
    };

    public string KernelFile(LabKernel kernel) => Path.Combine(Directory, "kernels", Release(kernel), "vmlinuz");

    public string InitrdFile(LabKernel kernel) => Path.Combine(Directory, "kernels", Release(kernel), "initrd");

    /// <summary>A program of the guest's distribution, to be run on this host.</summary>
    public string Program(string name) => Path.Combine(Directory, "bin", name);
}

/// <summary>Versions. The newer CRIU's packages lie in the guest under /opt/criu-forky, not installed.</summary>
public sealed record LabManifest(LabManifestKernels Kernels, string Qemu, string Criu, string CriuForky);

public sealed record LabManifestKernels(string Old, string New);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(LabManifest))]
internal sealed partial class LabJson : JsonSerializerContext;
