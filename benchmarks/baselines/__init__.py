"""What the measures compare with, each as small and as honest as it can be."""
